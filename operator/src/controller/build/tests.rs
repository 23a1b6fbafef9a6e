//! Golden objects: one small stack a point. `cargo insta review` accepts a change that is meant.

use std::collections::{BTreeMap, BTreeSet};

use super::build;
use crate::controller::fixtures::validated;
use crate::controller::object::Kind;
use crate::controller::stack::{CredentialKey, ValidatedStack};

fn documents(stack: &ValidatedStack) -> String {
    let documents = build(stack).into_iter().map(|object| serde_yaml::to_string(&object.manifest).unwrap());
    documents.collect::<Vec<_>>().join("---\n")
}

#[test]
fn an_empty_spec_is_a_whole_stack() {
    insta::assert_snapshot!(documents(&validated("{}")));
}

/// Every setting that has an effect on what is built.
const EVERY_SETTING: &str = r#"{
        deletionPolicy: {volumes: Delete},
        image: {registry: mirror.test/realtime, tag: "2", pullPolicy: Always, pullSecrets: [mirror]},
        api: {scaling: {fixed: {replicas: 3}}, config: {logLevel: Debug, corsOrigins: ["https://a.test", "https://b.test"],
                connections: {max: 10000, maxPerAddress: 50}, trustedProxies: [10.0.0.0/8], maxAgeSeconds: 20000,
                ring: {events: 2000, size: 8Mi}, socketPayload: 1M,
                demo: {connectionsPerAddress: 5, pingsPerClient: 50, delaySeconds: {shortest: 1, longest: 2}, showAddresses: true}},
              resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: "1", memory: 128Mi}},
              env: [{name: REALTIME_LOG, value: trace}, {name: A, value: b}]},
        consumer: {config: {feedRetentionHours: 48}},
        redis: {managed: {storage: {size: 2Gi, class: fast}, resources: {limits: {memory: 1Gi}}}},
        kafka: {managed: {resources: {limits: {memory: 4Gi}}}},
        topics: [{name: orders, partitions: 3}, {name: notifications, partitions: 12}],
        notifications: {config: {logLevel: Warn, corsOrigins: ["https://a.test"], topics: [product-events, orders],
              connections: {max: 20000, maxPerAddress: 100}, trustedProxies: [10.0.0.0/8, "fd00::/8"], maxAgeSeconds: 600,
              ring: {events: 5000, size: 32Mi}}},
        schemas: [{type: OrderPlaced, schema: {type: object, required: [id]}}, {type: BillPaid, schema: {}}]}"#;

#[test]
fn each_setting_has_its_effect() {
    insta::assert_snapshot!(documents(&validated(EVERY_SETTING)));
}

#[test]
fn a_stopped_stack_keeps_everything_but_its_pods() {
    let stopped = validated("{operation: {state: Stopped}}");
    let replicas: BTreeMap<String, serde_json::Value> = build(&stopped)
        .into_iter()
        .filter(|object| matches!(object.key.kind, Kind::Deployment | Kind::StatefulSet))
        .map(|object| (object.key.name, object.manifest["spec"]["replicas"].clone()))
        .collect();
    assert_eq!(replicas.len(), 6);
    assert!(replicas.values().all(|replicas| *replicas == 0), "{replicas:?}");
    assert!(!build(&stopped).iter().any(|object| object.key.kind == Kind::Job), "nothing to prepare without backends");
}

#[test]
fn building_twice_gives_the_same() {
    assert_eq!(build(&validated("{}")), build(&validated("{}")));
}

#[test]
fn another_credential_replaces_the_pods_that_use_it_and_prepares_nothing_anew() {
    let before = validated("{}");
    let mut after = before.clone();
    after.credentials.insert(CredentialKey::Redis, "another".to_owned());
    let changed: Vec<String> = build(&before)
        .into_iter()
        .zip(build(&after))
        .filter(|(before, after)| before != after)
        .map(|(before, _)| before.key.to_string())
        .collect();
    assert_eq!(changed, ["StatefulSet demo-redis", "Deployment demo-api", "Deployment demo-consumer"]);
}

#[test]
fn another_schema_replaces_the_pods_that_check_it_and_another_order_none() {
    let spec = |schemas: &str| validated(&format!("{{schemas: [{schemas}]}}"));
    let before = spec("{type: A, schema: {}}, {type: B, schema: {}}");
    let changed: Vec<String> = build(&before)
        .into_iter()
        .zip(build(&spec("{type: A, schema: {}}, {type: B, schema: {minProperties: 1}}")))
        .filter(|(before, after)| before != after)
        .map(|(before, _)| before.key.to_string())
        .collect();
    assert_eq!(changed, ["ConfigMap demo-notifications", "Deployment demo-notifications"]);
    assert_eq!(build(&before), build(&spec("{type: B, schema: {}}, {type: A, schema: {}}")));
}

#[test]
fn other_topics_are_prepared_by_another_job() {
    let names = ["{}", "{topics: [{name: orders}]}"].map(|spec| super::job::name(&validated(spec)));
    assert_ne!(names[0], names[1]);
}

#[test]
fn every_pod_is_restricted() {
    for object in build(&validated("{}")) {
        let template = &object.manifest["spec"]["template"]["spec"];
        if template.is_null() {
            continue;
        }
        assert_eq!(template["securityContext"]["runAsNonRoot"], true, "{}", object.key);
        assert_eq!(template["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{}", object.key);
        for container in template["containers"].as_array().unwrap() {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false, "{}", object.key);
            assert_eq!(context["readOnlyRootFilesystem"], true, "{}", object.key);
            assert_eq!(context["capabilities"]["drop"][0], "ALL", "{}", object.key);
        }
    }
}

#[test]
fn every_name_fits_when_the_stacks_does() {
    let mut stack = validated("{}");
    stack.name = "a".repeat(realtime_crds::MAXIMUM_NAME_LENGTH);
    for object in build(&stack) {
        // A StatefulSet's pods carry its name, an ordinal and a hash of eleven characters in a label of 63.
        let limit = if object.key.kind == Kind::StatefulSet { 52 } else { 63 };
        assert!(object.key.name.len() <= limit, "{} has {} characters", object.key, object.key.name.len());
    }
}

/// The workloads' own tests prove that each of these is read; a variable that is set beside them might not be.
#[test]
fn the_variables_of_a_workload_are_those_that_it_is_said_to_get() {
    let stack = validated(EVERY_SETTING);
    for workload in &stack.workloads {
        let deployment = super::deployment::deployment(&stack, workload);
        let container = &deployment.spec.unwrap().template.spec.unwrap().containers[0];
        let set: BTreeSet<&str> = container.env.iter().flatten().map(|variable| variable.name.as_str()).collect();
        let of_the_user = BTreeSet::from(["A"]);
        let said = realtime_contract::environment::of_workload(workload.component).iter().copied().collect();
        assert_eq!(&set - &of_the_user, said, "{}", workload.component);
    }
}
