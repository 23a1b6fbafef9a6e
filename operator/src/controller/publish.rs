//! The one status write, and the events and metrics that go with it.

use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use kube::{Client, Resource, ResourceExt};
use realtime_crds::{ConditionType, Conditions, RealtimeStack, RealtimeStackStatus};
use serde_json::json;
use thiserror::Error;

use super::Context;
use super::apply::MANAGER;

/// Which attempt failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The status could not be written.
    #[error("failed to write the status of stack {stack}")]
    WriteStatus {
        /// Name of the stack.
        stack: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// It could not be found out whether a pod is gone.
    #[error("failed to read pod {pod}")]
    ReadPod {
        /// Name of the pod.
        pod: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// The entry of a pod that is gone could not be removed.
    #[error("failed to remove the instance {pod} from the status of stack {stack}")]
    RemoveInstance {
        /// Name of the stack.
        stack: String,
        /// Name of the pod.
        pod: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
}

/// Writes the status if it differs from the last one, and tells it by an event when the answer to "is it ready, and why" has changed.
///
/// # Errors
/// [`Error::WriteStatus`].
pub async fn publish(
    context: &Context,
    stack: &RealtimeStack,
    previous: &RealtimeStackStatus,
    status: RealtimeStackStatus,
) -> Result<(), Error> {
    let (name, uid) = (stack.name_any(), stack.uid().unwrap_or_default());
    let namespace = stack.namespace().unwrap_or_default();
    let ready = status.conditions.holds(ConditionType::Ready);
    context.metrics.ready(&namespace, &name, ready);
    if let Some(reconciles) = context.journal.reconciled(&uid, stack.metadata.generation.unwrap_or_default(), ready) {
        context.metrics.became_ready(&namespace, &name, reconciles);
    }
    if same(previous, &status) {
        return Ok(());
    }
    match write(context, stack, &status).await {
        Ok(()) => {}
        // The stack has been deleted, or replaced by another one of its name, which has its own reconcile.
        Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => return Ok(()),
        Err(source) => return Err(Error::WriteStatus { stack: name, source }),
    }
    context.metrics.wrote("RealtimeStack");
    tell(context, stack, previous, &status).await;
    context.journal.wrote_status(&uid, status);
    Ok(())
}

/// Whether two statuses say the same, apart from `instances`, which are the pods' own.
fn same(previous: &RealtimeStackStatus, status: &RealtimeStackStatus) -> bool {
    let without_instances =
        |status: &RealtimeStackStatus| RealtimeStackStatus { instances: Vec::new(), ..status.clone() };
    without_instances(previous) == without_instances(status)
}

/// Stacks as the API server has them: the answer to a write must not fail on a spec that cannot be decoded.
pub(super) fn undecoded(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<RealtimeStack>(&()))
}

async fn write(context: &Context, stack: &RealtimeStack, status: &RealtimeStackStatus) -> Result<(), kube::Error> {
    let api = undecoded(&context.client, &stack.namespace().unwrap_or_default());
    let patch = json!({
        "apiVersion": RealtimeStack::api_version(&()),
        "kind": RealtimeStack::kind(&()),
        "metadata": {"name": stack.name_any(), "uid": stack.uid()},
        "status": status,
    });
    let parameters = PatchParams::apply(MANAGER).force();
    api.patch_status(&stack.name_any(), &parameters, &Patch::Apply(&patch)).await.map(|_| ())
}

/// An event when the reason of Ready has changed. A failure to write one is logged and changes nothing.
async fn tell(context: &Context, stack: &RealtimeStack, previous: &RealtimeStackStatus, status: &RealtimeStackStatus) {
    let Some(now) = status.conditions.of(ConditionType::Ready) else { return };
    let before = previous.conditions.of(ConditionType::Ready);
    if before.is_some_and(|before| before.reason == now.reason && before.status == now.status) {
        return;
    }
    let expected = now.status == "True" || matches!(now.reason.as_str(), "RollingOut" | "Stopped");
    tracing::info!(ready = %now.status, reason = %now.reason, message = %now.message, "readiness changed");
    let event = Event {
        type_: if expected { EventType::Normal } else { EventType::Warning },
        reason: now.reason.clone(),
        note: Some(now.message.chars().take(1000).collect()),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    if let Err(error) = context.recorder.publish(&event, &stack.object_ref(&())).await {
        tracing::warn!(%error, "failed to write an event");
    }
}
