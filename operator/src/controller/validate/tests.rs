//! One test for each refusal.

use serde::Deserialize;

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
fn refuses_the_name_of_the_generated_key_for_one_of_the_users_own() {
    let spec = |name: &str| format!("{{security: {{auth: {{jwt: {{key: {{secret: {{name: {name}}}}}}}}}}}}}");
    let expected = "security.auth.jwt.key.secret.name is demo-auth, the name of the Secret that the operator generates: give yours another name, or choose key.generated";
    assert_eq!(refusal(&spec("demo-auth"), &references()), expected);
    validated(&spec("shop-auth"));
}

#[test]
fn takes_a_volume_of_the_same_size_in_other_words() {
    let volumes = with_volume("data-demo-redis-0", "1024Mi", Some("slow"));
    validate(&stack("{}"), &volumes, &images()).unwrap();
}

#[test]
fn refuses_a_schema_that_is_none_and_says_where() {
    let refusal = refusal("{schemas: [{type: A, schema: {properties: {total: {type: money}}}}]}", &references());
    let expected =
        "schemas: the schema of A is no JSON Schema, correct it at /properties/total/type: \"money\" is not ";
    assert!(refusal.starts_with(expected), "{refusal}");
}

#[test]
fn tells_of_a_broken_schema_no_more_than_a_status_holds() {
    let spec = format!("{{schemas: [{{type: A, schema: {{required: '{}'}}}}]}}", "ä".repeat(10_000));
    let refusal = refusal(&spec, &references());
    assert!(refusal.starts_with("schemas: the schema of A is no JSON Schema, correct it at /required: "), "{refusal}");
    assert!(refusal.len() < 1000 && refusal.ends_with('…'), "{refusal}");
}

#[test]
fn refuses_schemas_that_nothing_could_be_checked_against() {
    for schema in [
        "{$ref: 'https://example.com/other.json'}",
        "{$ref: '#/$defs/missing'}",
        "{pattern: '('}",
        "{pattern: '^(?!draft)'}",
        "{$schema: 'https://example.com/own-draft'}",
    ] {
        let refusal = refusal(&format!("{{schemas: [{{type: A, schema: {schema}}}]}}"), &references());
        assert!(refusal.starts_with("schemas: the schema of A is no JSON Schema, "), "{schema}: {refusal}");
    }
}

#[test]
fn refuses_schemas_that_no_config_map_could_hold() {
    let schema = format!("{{schemas: [{{type: A, schema: {{description: '{}'}}}}]}}", "x".repeat(512 << 10));
    let refusal = refusal(&schema, &references());
    assert!(refusal.ends_with("bytes together, the most is 524288; shorten or remove some"), "{refusal}");
}

#[test]
fn takes_a_schema_of_an_older_draft_and_one_that_refers_to_itself() {
    let draft = "{$schema: 'http://json-schema.org/draft-07/schema#', definitions: {a: {type: string}}, $ref: '#/definitions/a'}";
    let tree = "{properties: {children: {items: {$ref: '#'}}}}";
    validated(&format!("{{schemas: [{{type: A, schema: {draft}}}, {{type: B, schema: {tree}}}]}}"));
}

#[test]
fn refuses_a_ring_that_leaves_no_memory_for_clients() {
    for workload in ["api", "notifications"] {
        let spec =
            format!("{{{workload}: {{resources: {{limits: {{memory: 256Mi}}}}, config: {{ring: {{size: 129Mi}}}}}}}}");
        let expected = format!(
            "{workload}.config.ring.size is 129Mi, more than half of the memory that an instance may use, 256Mi: lower it, or raise {workload}.resources.limits.memory"
        );
        assert_eq!(refusal(&spec, &references()), expected);
    }
}

#[test]
fn memory_follows_the_ring_where_the_user_sets_no_limit() {
    for (index, workload) in [(0, "api"), (2, "notifications")] {
        let limit = |spec: &str| validated(spec).workloads[index].resources.limits.clone().unwrap().memory;
        assert_eq!(limit("{}").as_deref(), Some("384Mi"));
        assert_eq!(limit(&format!("{{{workload}: {{config: {{ring: {{size: 1Gi}}}}}}}}")).as_deref(), Some("2400Mi"));
    }
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

#[test]
fn every_example_is_accepted() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let documents = serde_yaml::Deserializer::from_str(&text);
        let values = documents.map(|document| serde_json::Value::deserialize(document).unwrap());
        let stacks: Vec<_> = values.filter(|value| value["kind"] == "RealtimeStack").collect();
        assert!(!stacks.is_empty(), "{}", file.display());
        for mut value in stacks {
            value["metadata"]["uid"] = "uid".into();
            let stack = serde_json::from_value(value).unwrap();
            validate(&stack, &references(), &images()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }
}
