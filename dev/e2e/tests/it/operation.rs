//! Stopped on request.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_crds::{ComponentState, ConditionType, Conditions};
use realtime_e2e::eventually;
use realtime_e2e::fixture::{DEFAULT, default_spec};
use realtime_e2e::stack::START_LIMIT;
use serde_json::json;

#[tokio::test]
async fn a_stopped_stack_runs_no_pods_and_starts_again() {
    DEFAULT
        .change(async |stack| {
            stack.apply(&json!({"operation": {"state": "Stopped"}})).await;
            // The pod of the prepare step has ended long ago; it stays as the proof that it did.
            let has_ended = |pod: &Pod| pod.status.as_ref().is_some_and(|it| it.phase.as_deref() == Some("Succeeded"));
            eventually("no pod runs", Duration::from_secs(150), async || {
                let pods = stack.labelled::<Pod>().await;
                let running: Vec<String> = pods.iter().filter(|it| !has_ended(it)).map(ResourceExt::name_any).collect();
                if running.is_empty() { Ok(()) } else { Err(format!("{running:?}")) }
            })
            .await;
            let limit = Duration::from_secs(15);
            let ready = stack.condition(ConditionType::Ready, "is Stopped", limit, |it| it.reason == "Stopped").await;
            assert_eq!(ready.status, "False");
            let status = eventually("each component is stopped", limit, async || {
                let status = stack.status().await;
                let running = status.components.iter().find(|it| it.state != ComponentState::Stopped);
                running.map_or(Ok(status.clone()), |it| Err(format!("{it:?}")))
            })
            .await;
            assert_eq!(status.components.len(), 6);
            assert!(!status.conditions.holds(ConditionType::Degraded), "{:?}", status.conditions);
            eventually("no instance is left", limit, async || {
                let instances = stack.status().await.instances;
                if instances.is_empty() { Ok(()) } else { Err(format!("{instances:?}")) }
            })
            .await;

            stack.apply(&default_spec()).await;
            stack.ready(START_LIMIT).await;
            stack.delivers("after the stop", Duration::from_secs(10)).await;
        })
        .await;
}
