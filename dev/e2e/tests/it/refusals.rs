//! Each rule of the resource, held by the real API server, and what the operator itself refuses.

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use realtime_contract::Component;
use realtime_crds::{ConditionType, Conditions, RealtimeStack};
use realtime_e2e::fixture::{DEFAULT, alone};
use realtime_e2e::stack::{MANAGER, START_LIMIT};
use realtime_e2e::{Cluster, Stack, eventually};
use serde_json::{Value, json};

fn resource(name: &str, spec: &Value) -> RealtimeStack {
    let stack = json!({
        "apiVersion": "realtimestack.io/v1alpha1", "kind": "RealtimeStack", "metadata": {"name": name}, "spec": spec,
    });
    serde_json::from_value(stack).expect("the test's spec is well-formed")
}

/// What the API server says to a stack that nobody creates in earnest.
async fn answer(name: &str, spec: &Value) -> Result<RealtimeStack, kube::Error> {
    let stacks: Api<RealtimeStack> = Api::namespaced(Cluster::connect().await.client, "default");
    stacks.create(&PostParams { dry_run: true, ..PostParams::default() }, &resource(name, spec)).await
}

#[track_caller]
fn says<T: std::fmt::Debug>(answer: Result<T, kube::Error>, sentence: &str) {
    match answer {
        Err(kube::Error::Api(status)) if status.code == 422 => {
            assert!(status.message.contains(sentence), "{}", status.message);
        }
        other => panic!("not refused with {sentence}: {other:?}"),
    }
}

#[tokio::test]
async fn accepts_an_empty_spec() {
    answer("demo", &json!({})).await.expect("an empty spec is a working stack");
}

#[tokio::test]
async fn accepts_the_longest_name() {
    answer(&"a".repeat(realtime_crds::MAXIMUM_NAME_LENGTH), &json!({})).await.expect("38 characters are allowed");
}

#[tokio::test]
async fn refuses_a_name_that_leaves_no_room_for_the_objects() {
    says(answer(&"a".repeat(39), &json!({})).await, "at most 38 characters");
}

#[tokio::test]
async fn refuses_a_name_that_no_service_could_have() {
    for name in ["1demo", "demo.one"] {
        says(answer(name, &json!({})).await, "must start with a letter");
    }
}

#[tokio::test]
async fn refuses_a_processor_request_above_its_limit() {
    let spec = json!({"api": {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}}});
    says(answer("demo", &spec).await, "requests.cpu is above limits.cpu");
}

#[tokio::test]
async fn refuses_a_memory_request_above_its_limit() {
    let resources = json!({"requests": {"memory": "2Gi"}, "limits": {"memory": "1900Mi"}});
    says(answer("demo", &json!({"kafka": {"managed": {"resources": resources}}})).await, "requests.memory is above");
}

#[tokio::test]
async fn refuses_variables_that_say_which_instance_a_pod_is() {
    for name in ["REALTIME_POD", "REALTIME_STACK", "REALTIME_NAMESPACE"] {
        let spec = json!({"consumer": {"env": [{"name": name, "value": "x"}]}});
        says(answer("demo", &spec).await, "remove the variable");
    }
}

#[tokio::test]
async fn refuses_any_origin_beside_named_ones() {
    let spec = json!({"api": {"config": {"corsOrigins": ["*", "https://example.com"]}}});
    says(answer("demo", &spec).await, "it must stand alone");
}

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
async fn refuses_changes_that_no_volume_or_topic_could_follow() {
    alone("changes", async |stack| {
        let spec = |size: &str, class: &str, partitions: u16| {
            json!({
                "operation": {"reconciliation": "Paused"},
                "redis": {"managed": {"storage": {"size": size, "class": class}}},
                "topics": [{"name": "orders", "partitions": partitions}],
            })
        };
        stack.apply(&spec("1Gi", "fast", 3)).await;
        let refused = async |change: Value, sentence: &str| {
            let patch = json!({"apiVersion": "realtimestack.io/v1alpha1", "kind": "RealtimeStack", "spec": change});
            let parameters = PatchParams { dry_run: true, force: true, ..PatchParams::apply(MANAGER) };
            says(
                stack.objects::<RealtimeStack>().patch(&stack.name, &parameters, &Patch::Apply(&patch)).await,
                sentence,
            );
        };
        refused(spec("2Gi", "fast", 3), "storage.size cannot change").await;
        refused(spec("512Mi", "fast", 3), "storage.size cannot change").await;
        refused(spec("1Gi", "slow", 3), "storage.class cannot change").await;
        refused(spec("1Gi", "fast", 2), "partitions cannot shrink").await;
        stack.apply(&spec("1024Mi", "fast", 4)).await;
    })
    .await;
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
            let claims = stack.objects::<k8s_openapi::api::core::v1::PersistentVolumeClaim>();
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
