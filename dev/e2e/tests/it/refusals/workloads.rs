//! Rules about what workloads and backends are given and told.

use serde_json::{Value, json};

use super::{answer, says};

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
async fn refuses_other_ports_by_variable() {
    for name in ["PORT", "API_PORT", "REALTIME_OPS_PORT"] {
        let spec = json!({"api": {"env": [{"name": name, "value": "80"}]}});
        says(answer("demo", &spec).await, "ports, which are fixed");
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
async fn refuses_signs_of_life_that_come_without_pause_or_too_late_for_sessions() {
    let ping = |name: &str, seconds: u32| json!({"api": {"config": {"socketPing": {name: seconds}}}});
    for name in ["intervalSeconds", "timeoutSeconds"] {
        answer("demo", &ping(name, 1)).await.expect("a second is allowed");
        for seconds in [0, 61] {
            says(answer("demo", &ping(name, seconds)).await, name);
        }
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
