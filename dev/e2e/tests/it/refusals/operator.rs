//! What the API server cannot know, and the operator itself refuses.

use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::PostParams;
use realtime_contract::Component;
use realtime_crds::{ConditionType, Conditions, RealtimeStack};
use realtime_e2e::Stack;
use realtime_e2e::fixture::{DEFAULT, alone};
use realtime_e2e::stack::START_LIMIT;
use serde_json::json;

use super::still_heals;

/// The API server cannot know the size of a volume that exists; the operator does.
#[tokio::test]
async fn a_refused_stack_says_what_to_change_and_disturbs_nobody() {
    DEFAULT
        .change(async |stack| {
            let neighbour = Stack { name: "refused".to_owned(), ..stack.clone() };
            let claim = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data-refused-redis-0", "labels": {
                    "app.kubernetes.io/name": "realtime-stack", "app.kubernetes.io/instance": "refused",
                    "app.kubernetes.io/component": "redis",
                }},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}}},
            });
            let claim = serde_json::from_value(claim).expect("a claim");
            let claims = stack.objects::<PersistentVolumeClaim>();
            claims.create(&PostParams::default(), &claim).await.expect("an older volume");
            neighbour.apply(&json!({})).await;
            let limit = Duration::from_secs(15);
            let ready =
                neighbour.condition(ConditionType::Ready, "says why", limit, |it| it.reason == "SpecRefused").await;
            assert_eq!(ready.status, "False");
            assert!(ready.message.contains("set the size to 3Gi"), "{}", ready.message);
            let status = neighbour.status().await;
            let reconciled = status.conditions.of(ConditionType::Reconciled).expect("always there");
            assert_eq!(reconciled.status, "False");
            still_heals(stack).await;
            stack.ready(START_LIMIT).await;
            neighbour.delete::<RealtimeStack>("refused").await;
            claims.delete("data-refused-redis-0", &Default::default()).await.expect("the claim can go");
        })
        .await;
}

/// Stopped, so that the test needs no pods.
#[tokio::test]
async fn an_object_of_somebody_else_stays_as_it_is() {
    alone("foreign", async |stack| {
        let name = stack.object_name(Component::Kafka);
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": "of-somebody-else"}, "ports": [{"port": 9092}]},
        });
        let service: Service = serde_json::from_value(service).expect("a service");
        let services = stack.objects::<Service>();
        let before = services.create(&PostParams::default(), &service).await.expect("an older service");
        stack.apply(&json!({"operation": {"state": "Stopped"}})).await;
        let limit = Duration::from_secs(15);
        let failed = |it: &Condition| it.status == "False" && it.reason == "ApplyFailed";
        let reconciled = stack.condition(ConditionType::Reconciled, "names the object", limit, failed).await;
        let sentence = format!("Service {name}: one of that name exists and does not belong to the stack");
        assert!(reconciled.message.contains(&sentence), "{}", reconciled.message);
        let after = services.get(&name).await.expect("the service is still there");
        assert_eq!((after.uid(), after.spec), (before.uid(), before.spec));
    })
    .await;
}
