//! One test for each refusal.

use super::{Error, validate};
use crate::controller::dereference::{ExistingVolume, References};
use crate::controller::fixtures::{images, references, stack, validated};

fn with_volume(claim: &str, size: &str, class: Option<&str>) -> References {
    let mut references = references();
    let volume = ExistingVolume { size: size.to_owned(), class: class.map(str::to_owned), own: true };
    references.volumes.insert(claim.to_owned(), volume);
    references
}

fn refusal(spec: &str, references: &References) -> String {
    validate(&stack(spec), references, &images()).unwrap_err().to_string()
}

#[test]
fn refuses_a_stack_that_no_api_server_has_seen() {
    for field in ["name", "namespace", "uid"] {
        let mut stack = stack("{}");
        match field {
            "name" => stack.metadata.name = None,
            "namespace" => stack.metadata.namespace = None,
            _ => stack.metadata.uid = None,
        }
        assert_eq!(validate(&stack, &references(), &images()), Err(Error::ReadIdentity { field }));
    }
}

#[test]
fn refuses_what_an_older_definition_let_pass() {
    let refusal = refusal("{consumer: {env: [{name: REALTIME_POD, value: x}]}}", &references());
    assert!(refusal.contains("remove the variable"), "{refusal}");
    assert!(refusal.contains("update it from the chart"), "{refusal}");
}

#[test]
fn refuses_another_size_than_the_volume_has() {
    let refusal = refusal("{redis: {managed: {storage: {size: 2Gi}}}}", &with_volume("data-demo-redis-0", "1Gi", None));
    let expected = "redis.managed.storage.size is 2Gi, but the volume data-demo-redis-0 has 1Gi: set the size to 1Gi; for another size delete the stack, then the claim with its data, and apply the stack again";
    assert_eq!(refusal, expected);
}

#[test]
fn refuses_another_class_than_the_volume_has() {
    let volumes = with_volume("data-demo-redis-0", "1Gi", Some("slow"));
    let refusal = refusal("{redis: {managed: {storage: {class: fast}}}}", &volumes);
    assert!(
        refusal.starts_with("redis.managed.storage.class is fast, but the volume data-demo-redis-0 has slow"),
        "{refusal}"
    );
}

#[test]
fn refuses_a_volume_that_is_not_the_stacks() {
    let mut volumes = with_volume("data-demo-kafka-0", "5Gi", None);
    volumes.volumes.get_mut("data-demo-kafka-0").unwrap().own = false;
    let refusal = refusal("{}", &volumes);
    assert_eq!(
        refusal,
        "the volume claim data-demo-kafka-0 exists and does not belong to the stack: rename the stack, or delete the claim"
    );
}

#[test]
fn takes_a_volume_of_the_same_size_in_other_words() {
    let volumes = with_volume("data-demo-redis-0", "1024Mi", Some("slow"));
    validate(&stack("{}"), &volumes, &images()).unwrap();
}

#[test]
fn the_users_topics_stand_beside_the_defaults_and_may_grow_them() {
    let stack = validated("{topics: [{name: orders}, {name: notifications, partitions: 12}]}");
    let topics: Vec<(&str, u16)> = stack.topics.iter().map(|topic| (topic.name.as_str(), topic.partitions)).collect();
    assert_eq!(topics, [("notifications", 12), ("orders", 6), ("product-events", 6)]);
}

#[test]
fn the_users_variables_win() {
    let stack = validated("{api: {env: [{name: REALTIME_LOG, value: trace}]}}");
    let value = &stack.workloads[0].environment["REALTIME_LOG"];
    assert_eq!(*value, crate::controller::stack::Value::Literal("trace".to_owned()));
}
