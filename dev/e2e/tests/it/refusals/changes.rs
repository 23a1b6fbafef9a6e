//! Rules about changes of a stack that is there.

use kube::api::{Patch, PatchParams};
use realtime_crds::RealtimeStack;
use realtime_e2e::fixture::alone;
use realtime_e2e::stack::MANAGER;
use serde_json::{Value, json};

use super::says;

/// Server-side apply leaves nothing of a map whose last field is taken back, not even the empty map.
#[tokio::test]
async fn an_empty_spec_may_follow_a_fuller_one() {
    alone("emptied", async |stack| {
        stack
            .apply(
                &json!({"operation": {"reconciliation": "Paused"}, "redis": {"managed": {"storage": {"size": "1Gi"}}}}),
            )
            .await;
        let managed = json!({"operation": {"reconciliation": "Paused"}, "redis": {"managed": {}}});
        for spec in [managed, json!({})] {
            let patch = json!({"apiVersion": "realtimestack.io/v1alpha1", "kind": "RealtimeStack", "spec": spec});
            let parameters = PatchParams { dry_run: true, force: true, ..PatchParams::apply(MANAGER) };
            let answer = stack.objects::<RealtimeStack>().patch(&stack.name, &parameters, &Patch::Apply(&patch)).await;
            answer.unwrap_or_else(|error| panic!("{spec}: {error}"));
        }
    })
    .await;
}

/// The rules about changes need a stack that is there; paused, so that nothing is built for it.
#[tokio::test]
async fn refuses_changes_that_no_topic_and_no_volume_could_follow() {
    alone("changes", async |stack| {
        let spec = |state: &str, volumes: &str, partitions: u16| {
            json!({
                "operation": {"reconciliation": "Paused", "state": state},
                "deletionPolicy": {"volumes": volumes},
                "topics": [{"name": "orders", "partitions": partitions}, {"name": "bills"}],
            })
        };
        let change = async |spec: Value| {
            let patch = json!({"apiVersion": "realtimestack.io/v1alpha1", "kind": "RealtimeStack", "spec": spec});
            let parameters = PatchParams { dry_run: true, force: true, ..PatchParams::apply(MANAGER) };
            stack.objects::<RealtimeStack>().patch(&stack.name, &parameters, &Patch::Apply(&patch)).await
        };
        stack.apply(&spec("Stopped", "Delete", 3)).await;
        says(change(spec("Stopped", "Delete", 2)).await, "partitions cannot shrink");
        let mut fewer_than_default = spec("Stopped", "Delete", 3);
        fewer_than_default["topics"][1]["partitions"] = json!(3);
        says(change(fewer_than_default).await, "partitions cannot shrink");
        says(change(spec("Stopped", "Retain", 3)).await, "cannot change while the stack is stopped");
        change(spec("Running", "Retain", 4)).await.expect("a running stack may change both");
    })
    .await;
}
