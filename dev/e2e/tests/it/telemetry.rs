//! Traces and logs leave the processes as soon as they are given an endpoint.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::{Component, environment};
use realtime_e2e::collector::Collector;
use realtime_e2e::eventually;
use realtime_e2e::fixture::{DEFAULT, default_spec};
use realtime_e2e::stack::START_LIMIT;
use serde_json::{Value, json};

/// Exporters send in batches, every few seconds.
const EXPORTED: Duration = Duration::from_secs(30);

fn bytes_of(trace_id: &str) -> Vec<u8> {
    let digits: Vec<u8> = trace_id.chars().filter_map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn merged(mut spec: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().expect("fields") {
        spec[name] = value.clone();
    }
    spec
}

#[tokio::test]
async fn one_trace_goes_from_the_post_through_the_consumer_to_the_collector() {
    DEFAULT
        .change(async |stack| {
            let api = stack.pods(Component::Api).await.remove(0);
            let before = [api.name_any(), stack.pods(Component::Consumer).await.remove(0).name_any()];
            let address = api.status.and_then(|status| status.pod_ip).expect("a running pod has an address");
            let collector = Collector::start(&address).await;
            let told = json!({"env": [{"name": environment::OTLP_ENDPOINT, "value": collector.endpoint}]});
            stack.apply(&merged(default_spec(), &json!({"api": told, "consumer": told}))).await;
            stack.ready(START_LIMIT).await;
            // A pod that ends goes on to serve for a moment, and it has no endpoint.
            for pod in before {
                eventually(&format!("pod {pod} is gone"), START_LIMIT, async || {
                    let found = stack.objects::<Pod>().get_opt(&pod).await.map_err(|error| error.to_string())?;
                    if found.is_none() { Ok(()) } else { Err("not yet".to_owned()) }
                })
                .await;
            }

            let posted = stack.api().await.notify("to be traced by a collector").await;
            let trace = bytes_of(&posted.trace_id);
            for (path, service) in [
                ("/v1/traces", "realtime-api"),
                ("/v1/traces", "realtime-consumer"),
                ("/v1/logs", "realtime-api"),
                ("/v1/logs", "realtime-consumer"),
            ] {
                eventually(&format!("{service} exports the trace to {path}"), EXPORTED, async || {
                    let exports = collector.exports();
                    let of_service =
                        |it: &&realtime_e2e::collector::Export| it.path == path && it.holds(service.as_bytes());
                    let mut exported = exports.iter().filter(of_service);
                    let seen: Vec<&str> = exports.iter().map(|export| export.path.as_str()).collect();
                    if exported.any(|it| it.holds(&trace)) { Ok(()) } else { Err(format!("came: {seen:?}")) }
                })
                .await;
            }
        })
        .await;
}
