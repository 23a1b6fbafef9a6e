//! Each rule of the resource, as the API server would hold a spec to it.

use realtime_crds::RealtimeStack;

fn stack(name: &str, spec: &str) -> RealtimeStack {
    let yaml = format!(
        "apiVersion: realtimestack.io/v1alpha1\nkind: RealtimeStack\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    );
    // By way of JSON, as from an API server: YAML has tags of its own for a union.
    let value: serde_json::Value = serde_yaml::from_str(&yaml).expect("the test's spec is YAML");
    serde_json::from_value(value).expect("the test's spec is well-formed")
}

fn refusal(spec: &str) -> String {
    stack("demo", spec).validate_cel().expect_err("the spec is refused").to_string()
}

fn refusal_of_change(old: &str, new: &str) -> String {
    stack("demo", new).validate_cel_update(&stack("demo", old)).expect_err("the change is refused").to_string()
}

#[track_caller]
fn says(refusal: &str, sentence: &str) {
    assert!(refusal.contains(sentence), "{refusal}");
}

#[test]
fn accepts_an_empty_spec() {
    stack("demo", "{}").validate_cel().expect("an empty spec is a working stack");
}

#[test]
fn takes_a_null_for_nothing() {
    let spec = "{api: null, topics: null, redis: {managed: null}, consumer: {env: null, config: null},
        notifications: {config: {corsOrigins: null, trustedProxies: null, ring: null, topics: null, limits: null}},
        security: {auth: {jwt: {issuer: null, audience: null, key: {generated: null}}}}}";
    for choice in ["jwt", "anonymous"] {
        let spec = format!("{{security: {{auth: {{{choice}: null}}}}}}");
        stack("demo", &spec).validate_cel().expect("nothing is to be said of the choice");
    }
    stack("demo", spec).validate_cel().expect("a null is what server-side apply leaves of an emptied object");
}

#[test]
fn accepts_every_field_at_once() {
    let spec = r#"{
        operation: {state: Running, reconciliation: Active}, deletionPolicy: {volumes: Delete},
        security: {auth: {jwt: {issuer: "https://login.example.com/", audience: [shop, "https://shop.example.com"], leewaySeconds: 60,
                key: {jwks: {url: "https://login.example.com/.well-known/jwks.json?tenant=a@b", refreshSeconds: 600}}}}},
        image: {registry: registry.example.com/realtime, tag: "1.0", pullPolicy: Always, pullSecrets: [mirror]},
        api: {scaling: {fixed: {replicas: 2}}, config: {logLevel: Debug, corsOrigins: ["https://example.com"],
                connections: {max: 20000, maxPerAddress: 100}, trustedProxies: [10.0.0.0/8], maxAgeSeconds: 600,
                ring: {events: 10000, size: 16Mi}, socketPayload: 1M, socketPing: {intervalSeconds: 10, timeoutSeconds: 20},
                limits: {address: {perSecond: 50, burst: 200}, user: {perSecond: 20}, publish: {perSecond: 5, burst: 100},
                    subscribe: {perSecond: 1, burst: 10}},
                demo: {connectionsPerAddress: 10, pingsPerClient: 100, delaySeconds: {shortest: 5, longest: 15}, showAddresses: true}},
              resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: "1", memory: 128Mi}},
              env: [{name: A, value: b}]},
        consumer: {config: {logLevel: Info, feedRetentionHours: 48}},
        redis: {managed: {storage: {size: 1Gi, class: fast}}}, topics: [{name: orders, partitions: 3}],
        notifications: {config: {logLevel: Warn, corsOrigins: ["*"], topics: [product-events, orders],
              connections: {max: 20000, maxPerAddress: 100}, trustedProxies: [10.0.0.0/8, "fd00::/8", 192.0.2.1/32],
              maxAgeSeconds: 0, ring: {events: 10000, size: 16Mi},
              limits: {address: {perSecond: 50, burst: 200}, user: {perSecond: 20}, subscribe: {perSecond: 1, burst: 10}}}},
        schemas: [{type: OrderPlaced, schema: {type: object, required: [id], properties: {total: {type: number}}}}]}"#;
    stack("demo", spec).validate_cel().expect("each field has an allowed value");
}

#[test]
fn refuses_a_name_that_leaves_no_room_for_the_objects() {
    let refusal = stack(&"a".repeat(39), "{}").validate_cel().expect_err("39 characters are too many").to_string();
    says(&refusal, "at most 38 characters");
}

#[test]
fn refuses_a_name_that_no_service_could_have() {
    for name in ["1demo", "demo.one"] {
        let refusal = stack(name, "{}").validate_cel().expect_err("no Service may have that name").to_string();
        says(&refusal, "must start with a letter");
    }
}

#[test]
fn refuses_a_processor_request_above_its_limit() {
    says(
        &refusal("{api: {resources: {requests: {cpu: '2'}, limits: {cpu: 1500m}}}}"),
        "requests.cpu is above limits.cpu",
    );
}

#[test]
fn refuses_a_memory_request_above_its_limit() {
    says(
        &refusal("{kafka: {managed: {resources: {requests: {memory: 2Gi}, limits: {memory: 1900Mi}}}}}"),
        "requests.memory is above limits.memory",
    );
}

#[test]
fn refuses_variables_that_say_which_instance_a_pod_is() {
    says(&refusal("{consumer: {env: [{name: REALTIME_POD, value: x}]}}"), "remove the variable");
}

#[test]
fn refuses_any_origin_beside_named_ones() {
    for workload in ["api", "notifications"] {
        let spec = format!("{{{workload}: {{config: {{corsOrigins: ['*', 'https://example.com']}}}}}}");
        says(&refusal(&spec), "it must stand alone");
    }
}

#[test]
fn refuses_a_topic_of_the_stream_that_the_stack_has_not() {
    let spec = "{topics: [{name: orders}], notifications: {config: {topics: [product-events, orders, bills]}}}";
    says(&refusal(spec), "notifications.config.topics: bills is no topic of the stack; add it to spec.topics");
    says(&refusal("{notifications: {config: {topics: [bills]}}}"), "bills is no topic of the stack");
}

#[test]
fn refuses_proxies_that_are_no_networks() {
    for network in ["10.0.0.0/33", "10.0.0/8", "10.1.0.0/8", "fd00::/129", "fd00::1/64", "::ffff:10.0.0.0/104"] {
        for workload in ["api", "notifications"] {
            let spec = format!("{{{workload}: {{config: {{trustedProxies: ['192.0.2.0/24', '{network}']}}}}}}");
            says(&refusal(&spec), "each must be a network in CIDR notation");
        }
    }
}

#[test]
fn refuses_more_connections_of_one_address_than_of_all() {
    for workload in ["api", "notifications"] {
        let spec = format!("{{{workload}: {{config: {{connections: {{max: 10, maxPerAddress: 11}}}}}}}}");
        says(&refusal(&spec), "maxPerAddress is above max");
    }
}

#[test]
fn refuses_a_ring_that_holds_next_to_nothing_or_more_than_an_instance_could() {
    for size in ["1000Ki", "2049Mi"] {
        for workload in ["api", "notifications"] {
            let spec = format!("{{{workload}: {{config: {{ring: {{size: {size}}}}}}}}}");
            says(&refusal(&spec), "size must be from 1Mi to 2Gi");
        }
    }
}

#[test]
fn refuses_messages_of_a_socket_that_say_nothing_or_fill_the_memory() {
    for size in ["1000", "1023", "17Mi", "17M"] {
        says(&refusal(&format!("{{api: {{config: {{socketPayload: '{size}'}}}}}}")), "must be from 1Ki to 16Mi");
    }
}

#[test]
fn refuses_a_shortest_delay_above_the_longest_also_of_the_defaults() {
    for delay in ["{shortest: 10, longest: 9}", "{shortest: 16}", "{longest: 4}"] {
        let spec = format!("{{api: {{config: {{demo: {{delaySeconds: {delay}}}}}}}}}");
        says(&refusal(&spec), "shortest is above longest");
    }
}

#[test]
fn refuses_a_schema_for_types_that_have_a_shape_already() {
    for (kind, sentence) in [("LowStockWarning", "are there already"), ("gap", "are what the stream itself says")] {
        says(&refusal(&format!("{{schemas: [{{type: {kind}, schema: {{}}}}]}}")), sentence);
    }
}

#[test]
fn refuses_fewer_partitions_than_before() {
    let refusal = refusal_of_change("{topics: [{name: a, partitions: 3}]}", "{topics: [{name: a, partitions: 2}]}");
    says(&refusal, "partitions cannot shrink");
}

#[test]
fn refuses_fewer_partitions_than_the_default_had() {
    let refusal = refusal_of_change("{topics: [{name: a}]}", "{topics: [{name: a, partitions: 3}]}");
    says(&refusal, "partitions cannot shrink");
}

#[test]
fn refuses_fewer_partitions_for_the_topics_that_always_exist() {
    says(&refusal("{topics: [{name: product-events, partitions: 2}]}"), "always exist with at least 6 partitions");
}

#[test]
fn refuses_other_ports_by_variable() {
    says(&refusal("{api: {env: [{name: PORT, value: '80'}]}}"), "ports, which are fixed");
}

#[test]
fn refuses_another_fate_for_the_volumes_of_a_stopped_stack() {
    let refusal = refusal_of_change(
        "{operation: {state: Stopped}, deletionPolicy: {volumes: Delete}}",
        "{operation: {state: Stopped}}",
    );
    says(&refusal, "cannot change while the stack is stopped");
    stack("demo", "{}")
        .validate_cel_update(&stack("demo", "{operation: {state: Stopped}, deletionPolicy: {volumes: Delete}}"))
        .expect("started again, it may change");
}

#[test]
fn accepts_each_way_to_ask_clients_who_they_are() {
    for auth in ["anonymous: {}", "jwt: {}", "jwt: {key: {generated: {}}}", "jwt: {key: {secret: {name: shop-keys}}}"] {
        let spec = format!("{{security: {{auth: {{{auth}}}}}}}");
        stack("demo", &spec).validate_cel().unwrap_or_else(|error| panic!("{auth}: {error}"));
    }
}

#[test]
fn refuses_variables_that_would_undo_the_choice() {
    for name in ["REALTIME_AUTH", "REALTIME_JWT_SECRET", "REALTIME_JWT_JWKS_URL"] {
        for workload in ["api", "notifications"] {
            let spec = format!("{{{workload}: {{env: [{{name: A, value: b}}, {{name: {name}, value: anonymous}}]}}}}");
            says(&refusal(&spec), "the matter of security.auth; set it there and remove the variable");
        }
    }
    stack("demo", "{api: {env: [{name: REALTIME_AUTHOR, value: me}]}}").validate_cel().expect("another variable");
}

#[test]
fn refuses_variables_that_would_limit_what_limits_say_or_nothing() {
    for name in ["REALTIME_LIMIT_USER", "REALTIME_LIMIT_PUBLISH", "REALTIME_LIMIT_ADDRESS"] {
        for workload in ["api", "consumer", "notifications"] {
            let spec = format!("{{{workload}: {{env: [{{name: {name}, value: 1/1}}]}}}}");
            says(&refusal(&spec), "the matter of config.limits of api and notifications; set it there");
        }
    }
    stack("demo", "{api: {env: [{name: REALTIME_LIMITLESS, value: me}]}}").validate_cel().expect("another variable");
}

#[test]
fn refuses_an_address_of_keys_that_is_none() {
    for url in ["https://", "http:///keys", "https://a b/keys", "login.example.com/keys", "/keys"] {
        let spec = format!("{{security: {{auth: {{jwt: {{key: {{jwks: {{url: '{url}'}}}}}}}}}}}}");
        says(&refusal(&spec), "jwks.url must be the whole address of a set of keys");
    }
}

#[test]
fn refuses_a_password_in_the_address_of_keys() {
    for url in ["https://me:secret@login.example.com/keys", "https://me@login.example.com"] {
        let spec = format!("{{security: {{auth: {{jwt: {{key: {{jwks: {{url: '{url}'}}}}}}}}}}}}");
        says(&refusal(&spec), "keys are public; take it out");
    }
}

#[test]
fn refuses_a_limit_of_publishing_where_nothing_is_published() {
    let refusal = refusal("{notifications: {config: {limits: {publish: {perSecond: 1}}}}}");
    says(&refusal, "notifications.config.limits.publish: nothing is published at notifications");
}

#[test]
fn refuses_a_limit_of_users_where_nobody_is_asked_who_he_is() {
    for workload in ["api", "notifications"] {
        for security in ["{}", "{auth: {anonymous: {}}}"] {
            let spec =
                format!("{{security: {security}, {workload}: {{config: {{limits: {{user: {{perSecond: 1}}}}}}}}}}");
            says(&refusal(&spec), "set security.auth.jwt, or take the limit out");
        }
    }
}
