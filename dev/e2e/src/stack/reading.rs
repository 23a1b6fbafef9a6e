//! What a stack says of itself, and where it answers.

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use realtime_contract::{Component, ports};
use realtime_crds::{ComponentStatus, ConditionType, Conditions, RealtimeStack, RealtimeStackStatus};

use super::Stack;
use crate::eventually::eventually;
use crate::http::Http;
use crate::sse;

impl Stack {
    /// The resource as it stands.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn resource(&self) -> RealtimeStack {
        let read = self.objects::<RealtimeStack>().get(&self.name).await;
        read.unwrap_or_else(|error| panic!("failed to read stack {}: {error}", self.name))
    }

    /// Its status.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn status(&self) -> RealtimeStackStatus {
        self.resource().await.status.unwrap_or_default()
    }

    /// Waits until a condition that speaks of the current generation fulfils a demand, and gives it.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub async fn condition(
        &self,
        condition_type: ConditionType,
        what: &str,
        limit: Duration,
        demand: impl Fn(&Condition) -> bool,
    ) -> Condition {
        let what = format!("stack {}/{}: {} {what}", self.namespace, self.name, condition_type.name());
        eventually(&what, limit, async || {
            let stack = self.resource().await;
            let condition = stack.status.as_ref().and_then(|status| status.conditions.of(condition_type));
            let condition = condition.ok_or("there is no such condition yet")?;
            let current = condition.observed_generation == stack.metadata.generation;
            let told = format!("{} {}: {}", condition.status, condition.reason, condition.message);
            if current && demand(condition) { Ok(condition.clone()) } else { Err(told) }
        })
        .await
    }

    /// Waits until the stack is Ready at its current generation with nothing left to do.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub async fn ready(&self, limit: Duration) -> Condition {
        self.condition(ConditionType::Ready, "is True", limit, |it| it.status == "True" && it.reason == "Ready").await
    }

    /// Waits until a component's status fulfils a demand, and gives it.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub async fn component(
        &self,
        component: Component,
        what: &str,
        limit: Duration,
        demand: impl Fn(&ComponentStatus) -> bool,
    ) -> ComponentStatus {
        eventually(&format!("component {component} {what}"), limit, async || {
            let status = self.status().await;
            let found = status.components.into_iter().find(|found| found.name == component.name());
            let found = found.ok_or("it is not in the status")?;
            if demand(&found) { Ok(found) } else { Err(format!("{found:?}")) }
        })
        .await
    }

    /// The API behind its Service.
    ///
    /// # Panics
    /// When there is no Service.
    pub async fn api(&self) -> Http {
        Http::new(self.url(Component::Api).await)
    }

    /// Base URL of a component's Service by its address, since the host does not know the cluster's names.
    ///
    /// # Panics
    /// When there is no Service, or none with an address.
    pub async fn url(&self, component: Component) -> String {
        let name = self.object_name(component);
        let service = self.objects::<Service>().get(&name).await;
        let service = service.unwrap_or_else(|error| panic!("failed to read service {name}: {error}"));
        let address = service.spec.and_then(|spec| spec.cluster_ip);
        let address = address.unwrap_or_else(|| panic!("service {name} has no address"));
        format!("http://{address}:{}", ports::HTTP)
    }

    /// Posts until a notification is accepted: what was deleted a moment ago may have a new address.
    ///
    /// # Panics
    /// When none is within `limit`.
    pub async fn notify_eventually(&self, message: &str, limit: Duration) -> crate::http::Posted {
        eventually("a notification is accepted", limit, async || self.api().await.try_notify(message).await).await
    }

    /// Proves that the stack works: a notification posted to it arrives at a stream that was open. What was deleted a moment ago may
    /// need another attempt.
    ///
    /// # Panics
    /// When none does within `limit`.
    pub async fn delivers(&self, message: &str, limit: Duration) {
        eventually("a notification travels", limit, async || {
            let api = self.api().await;
            let mut stream = sse::try_listen(&format!("{}/api/sse/notifications", api.base), None).await?;
            let posted = api.try_notify(message).await?;
            let is_posted = |event: &serde_json::Value| event["data"]["id"] == posted.id;
            let arrival = stream.find("notification", Duration::from_secs(5), is_posted).await?;
            if arrival.data()["message"] == message { Ok(()) } else { Err(arrival.event.to_string()) }
        })
        .await;
    }
}
