//! Golden objects: one small stack a point. `cargo insta review` accepts a change that is meant.

use std::collections::{BTreeMap, BTreeSet};

use realtime_contract::Component;
use serde_json::json;

use super::build;
use crate::controller::dereference::References;
use crate::controller::dereference::token_key::{Form, TokenKey};
use crate::controller::fixtures::{references, references_with_token_key, validated, validated_with};
use crate::controller::object::Kind;
use crate::controller::stack::{CredentialKey, ValidatedStack, Value};

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
        security: {auth: {jwt: {issuer: "https://login.test/", audience: [shop, "https://shop.test"], leewaySeconds: 5}}},
        image: {registry: mirror.test/realtime, tag: "2", pullPolicy: Always, pullSecrets: [mirror]},
        api: {scaling: {fixed: {replicas: 3}}, config: {logLevel: Debug, corsOrigins: ["https://a.test", "https://b.test"],
                connections: {max: 10000, maxPerAddress: 50}, trustedProxies: [10.0.0.0/8], maxAgeSeconds: 20000,
                ring: {events: 2000, size: 8Mi}, socketPayload: 1M, socketPing: {intervalSeconds: 10, timeoutSeconds: 20},
                limits: {address: {perSecond: 50, burst: 200}, user: {perSecond: 20}, publish: {perSecond: 5, burst: 100},
                    subscribe: {perSecond: 1, burst: 10}},
                demo: {connectionsPerAddress: 5, pingsPerClient: 50, delaySeconds: {shortest: 1, longest: 2}, showAddresses: true}},
              resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: "1", memory: 128Mi}},
              env: [{name: REALTIME_LOG, value: trace}, {name: A, value: b}]},
        consumer: {config: {feedRetentionHours: 48}},
        redis: {managed: {storage: {size: 2Gi, class: fast}, resources: {limits: {memory: 1Gi}}}},
        kafka: {managed: {resources: {limits: {memory: 4Gi}}}},
        topics: [{name: orders, partitions: 3}, {name: notifications, partitions: 12}],
        notifications: {config: {logLevel: Warn, corsOrigins: ["https://a.test"], topics: [product-events, orders],
              connections: {max: 20000, maxPerAddress: 100}, trustedProxies: [10.0.0.0/8, "fd00::/8"], maxAgeSeconds: 600,
              ring: {events: 5000, size: 32Mi},
              limits: {address: {perSecond: 60, burst: 300}, user: {perSecond: 30}, subscribe: {perSecond: 2, burst: 20}}}},
        schemas: [{type: OrderPlaced, schema: {type: object, required: [id]}}, {type: BillPaid, schema: {}}]}"#;

/// The same with a generated key of tokens.
fn with_every_setting() -> ValidatedStack {
    validated_with(EVERY_SETTING, &references_with_token_key())
}

#[test]
fn each_setting_has_its_effect() {
    insta::assert_snapshot!(documents(&with_every_setting()));
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
    let workloads = ["Deployment demo-api", "Deployment demo-consumer", "Deployment demo-notifications"];
    assert_eq!(changed, [&["StatefulSet demo-redis"][..], &workloads[..]].concat());
}

/// With a key of tokens of that form from a Secret of the user's own.
fn with_keys(form: Form, hash: &str) -> ValidatedStack {
    let key = TokenKey { secret: "keys".to_owned(), form, hash: hash.to_owned(), is_watched: true };
    let references = References { token_key: Some(key), ..references() };
    validated_with("{security: {auth: {jwt: {key: {secret: {name: keys}}}}}}", &references)
}

#[test]
fn another_key_of_tokens_replaces_the_pods_that_check_tokens() {
    for form in [Form::Shared, Form::Set] {
        let changed: Vec<String> = build(&with_keys(form, "one"))
            .into_iter()
            .zip(build(&with_keys(form, "another")))
            .filter(|(before, after)| before != after)
            .map(|(before, _)| before.key.to_string())
            .collect();
        assert_eq!(changed, ["Deployment demo-api", "Deployment demo-notifications"]);
    }
}

#[test]
fn a_key_of_tokens_is_read_from_its_secret_and_is_no_value_of_a_variable() {
    let container = |stack: &ValidatedStack, component| {
        let workload = stack.workloads.iter().find(|workload| workload.component == component).unwrap();
        super::deployment::deployment(stack, workload).spec.unwrap().template.spec.unwrap().containers.remove(0)
    };
    for (form, variable, key) in
        [(Form::Shared, "REALTIME_JWT_SECRET", "secret"), (Form::Set, "REALTIME_JWT_JWKS", "jwks.json")]
    {
        let stack = with_keys(form, "one");
        for component in [Component::Api, Component::Notifications] {
            let variables = container(&stack, component).env.unwrap();
            let found = variables.into_iter().find(|it| it.name == variable).unwrap();
            let source = found.value_from.unwrap().secret_key_ref.unwrap();
            assert_eq!((source.name.as_str(), source.key.as_str(), found.value), ("keys", key, None));
        }
        let consumer = container(&stack, Component::Consumer).env.unwrap();
        assert!(consumer.iter().all(|variable| !variable.name.contains("JWT")), "it asks nobody");
    }
}

/// Tickets of the API are shown at notifications, too.
#[test]
fn api_and_notifications_sign_with_the_same_key() {
    let stack = validated("{}");
    let of = |component| stack.workloads.iter().find(|workload| workload.component == component).unwrap();
    let keys = [Component::Api, Component::Notifications]
        .map(|component| of(component).environment.get("REALTIME_CURSOR_KEY"));
    assert_eq!(keys, [Some(&Value::Credential(CredentialKey::Cursor)); 2]);
}

#[test]
fn only_the_api_may_read_the_stack_and_it_may_read_no_other() {
    let objects = build(&validated("{}"));
    let manifest = |kind: Kind| {
        let found = objects.iter().find(|it| it.key.kind == kind && it.key.name == "demo-stack-reader");
        found.unwrap().manifest.clone()
    };
    assert_eq!(
        manifest(Kind::Role)["rules"],
        json!([{"apiGroups": ["realtimestack.io"], "resources": ["realtimestacks"], "resourceNames": ["demo"], "verbs": ["get"]}])
    );
    let subjects = json!([{"kind": "ServiceAccount", "name": "demo-api", "namespace": "rt"}]);
    assert_eq!(manifest(Kind::RoleBinding)["subjects"], subjects);
}

#[test]
fn the_secret_for_tokens_lives_as_long_as_the_volumes_do() {
    let owners = |policy: &str, references: &References| {
        let stack = validated_with(&format!("{{deletionPolicy: {{volumes: {policy}}}}}"), references);
        let secrets = build(&stack).into_iter().filter(|object| object.key.kind == Kind::Secret);
        secrets
            .map(|it| (it.key.name, it.manifest["metadata"]["ownerReferences"].as_array().map_or(0, Vec::len)))
            .collect::<Vec<_>>()
    };
    // Also one that is not used any more.
    let left = References { auth_secret: true, ..references() };
    for (policy, count) in [("Retain", 0), ("Delete", 1)] {
        let both = [("demo-auth".to_owned(), count), ("demo-credentials".to_owned(), count)];
        assert_eq!(owners(policy, &left), both);
        assert_eq!(owners(policy, &references()), both[1..]);
    }
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
    let remote = "{security: {auth: {jwt: {key: {jwks: {url: 'https://login.test/keys', refreshSeconds: 60}}}}}}";
    let stacks = [with_every_setting(), with_keys(Form::Set, "one"), validated(remote)];
    for component in Component::WORKLOADS {
        let mut set = BTreeSet::new();
        for stack in &stacks {
            let workload = stack.workloads.iter().find(|workload| workload.component == component).unwrap();
            let deployment = super::deployment::deployment(stack, workload);
            let container = deployment.spec.unwrap().template.spec.unwrap().containers.remove(0);
            set.extend(container.env.into_iter().flatten().map(|variable| variable.name));
        }
        set.remove("A");
        let said = realtime_contract::environment::of_workload(component).iter().map(ToString::to_string).collect();
        assert_eq!(set, said, "{component}");
    }
}
