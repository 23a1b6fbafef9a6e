//! Each rule of the resource, held by the real API server, and what the operator itself refuses.

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use realtime_contract::Component;
use realtime_crds::{ConditionType, Conditions, RealtimeStack};
use realtime_e2e::fixture::{DEFAULT, alone};
use realtime_e2e::stack::{MANAGER, START_LIMIT};
use realtime_e2e::{Cluster, Stack, eventually};
use serde::Deserialize;
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
    for workload in ["api", "notifications"] {
        let spec = json!({workload: {"config": {"corsOrigins": ["*", "https://example.com"]}}});
        says(answer("demo", &spec).await, "it must stand alone");
    }
}

#[tokio::test]
async fn refuses_a_topic_of_the_stream_that_the_stack_has_not() {
    let topics =
        |topics: &[&str]| json!({"topics": [{"name": "orders"}], "notifications": {"config": {"topics": topics}}});
    answer("demo", &topics(&["product-events", "orders"])).await.expect("both are topics of the stack");
    says(answer("demo", &topics(&["orders", "bills"])).await, "bills is no topic of the stack; add it to spec.topics");
}

#[tokio::test]
async fn refuses_proxies_that_are_no_networks() {
    for workload in ["api", "notifications"] {
        let proxies = |network: &str| json!({workload: {"config": {"trustedProxies": ["192.0.2.1/32", network]}}});
        answer("demo", &proxies("fd00::/8")).await.expect("both are networks");
        for network in ["10.0.0.0/33", "10.0.0/8", "10.1.0.0/8", "fd00::1/64", "::ffff:10.0.0.0/104"] {
            says(answer("demo", &proxies(network)).await, "each must be a network in CIDR notation");
        }
    }
}

#[tokio::test]
async fn refuses_more_connections_of_one_address_than_of_all() {
    for workload in ["api", "notifications"] {
        let spec = json!({workload: {"config": {"connections": {"max": 10, "maxPerAddress": 11}}}});
        says(answer("demo", &spec).await, "maxPerAddress is above max");
    }
}

#[tokio::test]
async fn refuses_a_ring_that_holds_next_to_nothing_or_more_than_an_instance_could() {
    for size in ["1000Ki", "2049Mi"] {
        for workload in ["api", "notifications"] {
            let spec = json!({workload: {"config": {"ring": {"size": size}}}});
            says(answer("demo", &spec).await, "size must be from 1Mi to 2Gi");
        }
    }
}

#[tokio::test]
async fn refuses_messages_of_a_socket_that_say_nothing_or_fill_the_memory() {
    let payload = |size: &str| json!({"api": {"config": {"socketPayload": size}}});
    answer("demo", &payload("1M")).await.expect("a million bytes are allowed");
    for size in ["1023", "17M"] {
        says(answer("demo", &payload(size)).await, "socketPayload must be from 1Ki to 16Mi");
    }
}

#[tokio::test]
async fn refuses_a_shortest_delay_above_the_longest_also_of_the_defaults() {
    let delay = |delay: Value| json!({"api": {"config": {"demo": {"delaySeconds": delay}}}});
    answer("demo", &delay(json!({"shortest": 15}))).await.expect("always 15 s");
    for seconds in [json!({"shortest": 10, "longest": 9}), json!({"shortest": 16}), json!({"longest": 4})] {
        says(answer("demo", &delay(seconds)).await, "shortest is above longest");
    }
}

#[tokio::test]
async fn refuses_a_schema_for_types_that_have_a_shape_already() {
    for (kind, sentence) in [("ProductCreated", "are there already"), ("gap", "are what the stream itself says")] {
        let spec = json!({"schemas": [{"type": kind, "schema": {}}]});
        says(answer("demo", &spec).await, sentence);
    }
}

/// The API server knows nothing of JSON Schema: it must take the schema whole, nulls and unknown words included.
#[tokio::test]
async fn keeps_a_schema_as_it_was_written() {
    let schema = json!({"type": "object", "const": null, "x-mine": [1, {"a": null}], "properties": {"a": {"enum": [null, 1.5]}}});
    let spec = json!({"schemas": [{"type": "OrderPlaced", "schema": schema}]});
    let stack = answer("demo", &spec).await.expect("a schema is the user's own");
    assert_eq!(Value::Object(stack.spec.schemas[0].schema.clone()), schema);
}

/// What a user copies must work: each file of `examples/`, by a server-side dry run as kubectl does it.
#[tokio::test]
async fn accepts_every_example() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files: Vec<_> = std::fs::read_dir(directory).expect("examples").map(|it| it.expect("a file").path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("an example can be read");
        let mut stacks = 0;
        for document in serde_yaml::Deserializer::from_str(&text) {
            let value = Value::deserialize(document).expect("an example is YAML");
            if value["kind"] == "RealtimeStack" {
                let name = value["metadata"]["name"].as_str().expect("a name").to_owned();
                answer(&name, &value["spec"]).await.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                stacks += 1;
            }
        }
        assert!(stacks > 0, "{} has no stack", file.display());
    }
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

#[tokio::test]
async fn refuses_other_ports_by_variable() {
    for name in ["PORT", "API_PORT", "REALTIME_OPS_PORT"] {
        let spec = json!({"api": {"env": [{"name": name, "value": "80"}]}});
        says(answer("demo", &spec).await, "ports, which are fixed");
    }
}

#[tokio::test]
async fn refuses_fewer_partitions_for_the_topics_that_always_exist() {
    let spec = json!({"topics": [{"name": "notifications", "partitions": 5}]});
    says(answer("demo", &spec).await, "always exist with at least 6 partitions");
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
