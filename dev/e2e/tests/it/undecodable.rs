//! A stack that the operator cannot even read, as one of another version would be.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures::FutureExt;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use realtime_crds::{ConditionType, RealtimeStack};
use realtime_e2e::fixture::DEFAULT;
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, eventually};
use serde_json::{Value, json};

use crate::refusals::still_heals;

const DEFINITION: &str = "realtimestacks.realtimestack.io";
const ENUM: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/operation/properties/state/enum";

async fn set_states(stack: &Stack, states: &Value) {
    let definitions: Api<CustomResourceDefinition> = Api::all(stack.cluster.client.clone());
    let patch = json!([{"op": "replace", "path": ENUM, "value": states}]);
    let patch = serde_json::from_value(patch).expect("a JSON patch");
    let patched = definitions.patch(DEFINITION, &PatchParams::default(), &Patch::<()>::Json(patch)).await;
    patched.expect("the definition can be changed");
}

async fn states(stack: &Stack) -> Value {
    let definitions: Api<CustomResourceDefinition> = Api::all(stack.cluster.client.clone());
    let definition = definitions.get(DEFINITION).await.expect("the definition exists");
    let definition = serde_json::to_value(definition).expect("a definition serializes");
    definition.pointer(ENUM).expect("the states are enumerated").clone()
}

/// Creates a stack whose state this version does not know, through a definition that knows it for a moment.
async fn create_undecodable(stack: &Stack, name: &str) {
    let before = states(stack).await;
    let mut more = before.as_array().expect("an enumeration").clone();
    more.push(json!("Sideways"));
    set_states(stack, &Value::Array(more)).await;
    let stacks: Api<DynamicObject> =
        Api::namespaced_with(stack.cluster.client.clone(), &stack.namespace, &ApiResource::erase::<RealtimeStack>(&()));
    let object: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "realtimestack.io/v1alpha1", "kind": "RealtimeStack", "metadata": {"name": name},
        "spec": {"operation": {"state": "Sideways"}},
    }))
    .expect("an object");
    let create = eventually("the wider definition is in force", Duration::from_secs(30), async || {
        stacks.create(&PostParams::default(), &object).await.map_err(|error| error.to_string())
    });
    let created = AssertUnwindSafe(create).catch_unwind().await;
    set_states(stack, &before).await;
    created.map(drop).unwrap_or_else(|panic| resume_unwind(panic));
}

#[tokio::test]
async fn an_undecodable_stack_is_told_so_and_disturbs_nobody() {
    DEFAULT
        .change(async |stack| {
            create_undecodable(stack, "undecodable").await;
            let stacks: Api<DynamicObject> = Api::namespaced_with(
                stack.cluster.client.clone(),
                &stack.namespace,
                &ApiResource::erase::<RealtimeStack>(&()),
            );
            let message = eventually("the undecodable stack is told so", Duration::from_secs(30), async || {
                let object = stacks.get("undecodable").await.map_err(|error| error.to_string())?;
                let conditions = object.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
                let ready = conditions.into_iter().find(|it| it["type"] == ConditionType::Ready.name());
                let ready = ready.ok_or("it has no conditions")?;
                let refused = ready["status"] == "False" && ready["reason"] == "SpecRefused";
                if refused { Ok(ready["message"].to_string()) } else { Err(ready.to_string()) }
            })
            .await;
            assert!(message.contains("Sideways"), "{message}");
            still_heals(stack).await;
            stack.ready(START_LIMIT).await;
            stack.delivers("beside an undecodable stack", Duration::from_secs(10)).await;
            stacks.delete("undecodable", &Default::default()).await.expect("anyone may delete it");
            still_heals(stack).await;
        })
        .await;
}
