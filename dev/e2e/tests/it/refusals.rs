//! Each rule of the resource, held by the real API server, and what the operator itself refuses.

mod changes;
mod names;
mod operator;
mod topics;
mod workloads;

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use realtime_contract::Component;
use realtime_crds::RealtimeStack;
use realtime_e2e::{Cluster, Stack, eventually};
use serde_json::{Value, json};

fn resource(name: &str, spec: &Value) -> RealtimeStack {
    let stack = json!({
        "apiVersion": "realtimestack.io/v1alpha1", "kind": "RealtimeStack", "metadata": {"name": name}, "spec": spec,
    });
    serde_json::from_value(stack).expect("the test's spec is well-formed")
}

/// What the API server says to a stack that nobody creates in earnest.
pub(crate) async fn answer(name: &str, spec: &Value) -> Result<RealtimeStack, kube::Error> {
    let stacks: Api<RealtimeStack> = Api::namespaced(Cluster::connect().await.client, "default");
    stacks.create(&PostParams { dry_run: true, ..PostParams::default() }, &resource(name, spec)).await
}

#[track_caller]
pub(crate) fn says<T: std::fmt::Debug>(answer: Result<T, kube::Error>, sentence: &str) {
    match answer {
        Err(kube::Error::Api(status)) if status.code == 422 => {
            assert!(status.message.contains(sentence), "{}", status.message);
        }
        other => panic!("not refused with {sentence}: {other:?}"),
    }
}

/// Deletes a Service of the stack and waits for the next one: proof that its reconciles go on.
pub(crate) async fn still_heals(stack: &Stack) {
    let name = stack.object_name(Component::Notifications);
    let services = stack.objects::<Service>();
    let old = services.get(&name).await.expect("the service exists").uid();
    stack.delete::<Service>(&name).await;
    eventually(&format!("service {name} is back"), Duration::from_secs(15), async || {
        let found = services.get_opt(&name).await.map_err(|error| error.to_string())?;
        let new = found.and_then(|service| service.uid()).ok_or("not yet")?;
        if Some(&new) == old.as_ref() { Err("not deleted yet".to_owned()) } else { Ok(()) }
    })
    .await;
}
