//! The ops port of every process of ours.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use realtime_contract::{Component, paths, ports};
use realtime_e2e::Stack;
use realtime_e2e::cluster::{OPERATOR, OPERATOR_NAMESPACE};
use realtime_e2e::fixture::{DEFAULT, REPLICATED};
use realtime_e2e::http::Http;
use realtime_e2e::stack::START_LIMIT;
use serde_json::json;

fn ops(pod: &Pod) -> Http {
    let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).expect("a running pod has an address");
    Http::new(format!("http://{address}:{}", ports::OPS))
}

async fn text(server: &Http, path: &str) -> String {
    let answer = server.get(path).await.expect("the ops server answers");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned)
}

async fn operator(stack: &Stack) -> Pod {
    let pods: Api<Pod> = Api::namespaced(stack.cluster.client.clone(), OPERATOR_NAMESPACE);
    let listed = pods.list(&ListParams::default()).await.expect("the operator's pods can be listed").items;
    let mut running = listed
        .into_iter()
        .filter(|pod| pod.name_any().starts_with(OPERATOR) && pod.metadata.deletion_timestamp.is_none());
    running.next().expect("an operator runs")
}

#[tokio::test]
async fn every_workload_answers_on_its_ops_port() {
    REPLICATED
        .look(async |stack| {
            for component in Component::WORKLOADS {
                for pod in stack.pods(component).await {
                    let server = ops(&pod);
                    text(&server, paths::LIVE).await;
                    text(&server, paths::READY).await;
                    let dependencies = text(&server, paths::DEPENDENCIES).await;
                    assert!(dependencies.contains("kafka"), "{component}: {dependencies}");
                    let metrics = text(&server, paths::METRICS).await;
                    assert!(metrics.contains("# TYPE process_cpu_seconds_total counter"), "{component}: {metrics}");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn the_operator_tells_how_many_reconciles_it_took_to_become_ready() {
    DEFAULT
        .change(async |stack| {
            stack.apply(&json!({"api": {"config": {"logLevel": "Debug"}}})).await;
            stack.ready(START_LIMIT).await;
            let metrics = text(&ops(&operator(stack).await), paths::METRICS).await;
            let labels = format!("{{namespace=\"{}\",stack=\"{}\"}} ", stack.namespace, stack.name);
            let value = |name: &str| {
                let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(&labels));
                line.unwrap_or_else(|| panic!("no {name}{labels}in {metrics}")).parse::<u32>().expect("a number")
            };
            assert_eq!(value("realtime_operator_stack_ready"), 1);
            let reconciles = value("realtime_operator_reconciles_until_ready");
            eprintln!("reconciles until ready: {reconciles}");
            // The first one begins the roll-out, so it cannot find its end.
            assert!((2..=40).contains(&reconciles), "{reconciles} reconciles");
        })
        .await;
}
