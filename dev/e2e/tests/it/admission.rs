//! A pod's token writes the pod's own entry of `status.instances`, and no other part of the status.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use realtime_contract::Component;
use realtime_crds::RealtimeStack;
use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::{Stack, eventually};
use serde_json::{Value, json};

/// Writes to the API server with the token of one pod, or with one that no pod has.
struct Impostor {
    stacks: Api<RealtimeStack>,
}

impl Impostor {
    async fn of(stack: &Stack, pod: Option<&Pod>) -> Self {
        let bound = pod.map(|pod| json!({"apiVersion": "v1", "kind": "Pod", "name": pod.name_any(), "uid": pod.uid()}));
        let request =
            json!({"metadata": {}, "spec": {"audiences": [], "boundObjectRef": bound, "expirationSeconds": 600}});
        let request: TokenRequest = serde_json::from_value(request).expect("a token request");
        let accounts = stack.objects::<ServiceAccount>();
        let name = stack.object_name(Component::Api);
        let answer = accounts.create_token_request(&name, &PostParams::default(), &request).await.expect("a token");
        let token = answer.status.expect("the answer has a status").token;
        let client = stack.cluster.with_token(&token).await;
        Self { stacks: Api::namespaced(client, &stack.namespace) }
    }

    async fn apply(&self, name: &str, manager: &str, status: &Value) -> Result<RealtimeStack, kube::Error> {
        let patch = json!({
            "apiVersion": "realtimestack.io/v1alpha1", "kind": "RealtimeStack", "metadata": {"name": name}, "status": status,
        });
        self.stacks.patch_status(name, &PatchParams::apply(manager).force(), &Patch::Apply(&patch)).await
    }
}

#[track_caller]
fn is_denied(answer: Result<RealtimeStack, kube::Error>, sentence: &str) {
    match answer {
        Err(kube::Error::Api(status)) => {
            assert!(status.message.contains("ValidatingAdmissionPolicy"), "{}", status.message);
            assert!(status.message.contains(sentence), "{}", status.message);
        }
        other => panic!("not denied with {sentence}: {other:?}"),
    }
}

/// The entry of a pod as it stands, waited for, since a pod reports after it is ready.
async fn entry(stack: &Stack, pod: &Pod) -> Value {
    eventually(&format!("pod {} has reported", pod.name_any()), Duration::from_secs(20), async || {
        let instances = stack.status().await.instances;
        let found = instances.iter().find(|instance| instance.pod == pod.name_any());
        found.map(|it| serde_json::to_value(it).expect("an entry serializes")).ok_or_else(|| format!("{instances:?}"))
    })
    .await
}

#[tokio::test]
async fn a_pod_may_write_its_own_entry() {
    REPLICATED
        .look(async |stack| {
            let pods = stack.pods(Component::Api).await;
            let mut own = entry(stack, &pods[0]).await;
            own["since"] = json!("2026-01-01T00:00:00Z");
            let impostor = Impostor::of(stack, Some(&pods[0])).await;
            let status = json!({"instances": [own]});
            let written = impostor.apply(&stack.name, &pods[0].name_any(), &status).await.expect("the pod's own entry");
            let instances =
                serde_json::to_value(written.status.expect("it has a status").instances).expect("serializes");
            let entries = instances.as_array().expect("a list");
            assert!(entries.contains(&own), "{instances}");
            assert!(entries.len() >= 5, "the others' entries stay: {instances}");
        })
        .await;
}

/// Under another name the operator could not remove the entry once the pod is gone.
#[tokio::test]
async fn a_pod_may_not_write_its_own_entry_under_another_name() {
    REPLICATED
        .look(async |stack| {
            let pods = stack.pods(Component::Api).await;
            let mut own = entry(stack, &pods[0]).await;
            own["since"] = json!("2026-01-02T00:00:00Z");
            let impostor = Impostor::of(stack, Some(&pods[0])).await;
            let answer = impostor.apply(&stack.name, "kubectl", &json!({"instances": [own]})).await;
            is_denied(answer, "with its own name as field manager");
        })
        .await;
}

#[tokio::test]
async fn a_pod_may_not_write_the_entry_of_another_one() {
    REPLICATED
        .look(async |stack| {
            let pods = stack.pods(Component::Api).await;
            let other = entry(stack, &pods[1]).await;
            let impostor = Impostor::of(stack, Some(&pods[0])).await;
            let sentence = "a pod writes its own entry of status.instances only";
            let mut changed = other.clone();
            changed["ready"] = json!(false);
            for manager in [pods[0].name_any(), pods[1].name_any()] {
                is_denied(impostor.apply(&stack.name, &manager, &json!({"instances": [changed]})).await, sentence);
            }
            let mut invented = other.clone();
            invented["pod"] = json!("demo-api-invented");
            is_denied(
                impostor.apply(&stack.name, "demo-api-invented", &json!({"instances": [invented]})).await,
                sentence,
            );
            // An empty apply under the other's field manager would remove what it owns.
            is_denied(impostor.apply(&stack.name, &pods[1].name_any(), &json!({})).await, sentence);
            assert_eq!(entry(stack, &pods[1]).await, other);
        })
        .await;
}

/// The fields come from the schema that the cluster holds: a field that is added later fails here until somebody says how to forge it.
#[tokio::test]
async fn a_pod_may_not_write_any_other_field_of_the_status() {
    REPLICATED
        .look(async |stack| {
            let pod = stack.pods(Component::Api).await.remove(0);
            let impostor = Impostor::of(stack, Some(&pod)).await;
            let before = serde_json::to_value(stack.status().await).expect("a status serializes");
            let fields: Vec<String> =
                status_fields(stack).await.into_iter().filter(|field| field != "instances").collect();
            assert!(fields.len() >= 5, "{fields:?}");
            let own = json!([entry(stack, &pod).await]);
            for field in &fields {
                let mut status = json!({"instances": own});
                status[field] = forged(field);
                let answer = impostor.apply(&stack.name, &pod.name_any(), &status).await;
                is_denied(answer, &format!("not status.{field}"));
            }
            // Left out under the operator's field manager, the fields would be removed.
            let answer = impostor.apply(&stack.name, "realtime-operator", &json!({"instances": own})).await;
            is_denied(answer, "a pod writes its own entry of status.instances only, not status.");
            let after = serde_json::to_value(stack.status().await).expect("a status serializes");
            for field in &fields {
                assert_eq!(after[field], before[field], "{field}");
            }
        })
        .await;
}

async fn status_fields(stack: &Stack) -> Vec<String> {
    let definitions: Api<CustomResourceDefinition> = Api::all(stack.cluster.client.clone());
    let definition = definitions.get("realtimestacks.realtimestack.io").await.expect("the definition exists");
    let definition = serde_json::to_value(definition).expect("a definition serializes");
    let fields = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status/properties");
    fields.and_then(Value::as_object).expect("the status has fields").keys().cloned().collect()
}

/// A value that the schema allows and the operator would never write.
fn forged(field: &str) -> Value {
    match field {
        "observedGeneration" => json!(4242),
        "version" => json!("9.9.9"),
        "conditions" => json!([{
            "type": "Ready", "status": "False", "reason": "Forged", "message": "forged", "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]),
        "components" => json!([{
            "name": "api", "mode": "Managed", "state": "NotReady", "ready": 0, "desired": 9, "message": "forged",
        }]),
        "endpoints" => json!({"api": "http://forged.example"}),
        other => panic!("say in this test how to forge status.{other}"),
    }
}

#[tokio::test]
async fn a_token_without_a_pod_writes_nothing() {
    REPLICATED
        .look(async |stack| {
            let pod = stack.pods(Component::Api).await.remove(0);
            let own = entry(stack, &pod).await;
            let impostor = Impostor::of(stack, None).await;
            let mut changed = own.clone();
            changed["since"] = json!("2026-02-02T00:00:00Z");
            let answer = impostor.apply(&stack.name, &pod.name_any(), &json!({"instances": [changed]})).await;
            is_denied(answer, "a token that is bound to a pod");
        })
        .await;
}

#[tokio::test]
async fn a_pod_may_not_touch_the_spec_or_another_stack() {
    REPLICATED
        .look(async |stack| {
            let pod = stack.pods(Component::Api).await.remove(0);
            let impostor = Impostor::of(stack, Some(&pod)).await;
            let patch = Patch::Merge(json!({"spec": {"operation": {"state": "Stopped"}}}));
            let spec = impostor.stacks.patch(&stack.name, &PatchParams::default(), &patch).await;
            let other = impostor.apply("other", &pod.name_any(), &json!({"version": "9.9.9"})).await;
            for answer in [spec, other] {
                let Err(kube::Error::Api(status)) = answer else { panic!("not forbidden: {answer:?}") };
                assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"), "{}", status.message);
            }
        })
        .await;
}
