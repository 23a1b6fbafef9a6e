//! What a user sees with kubectl.

use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::kubectl;

#[tokio::test]
async fn kubectl_get_shows_readiness_status_version_and_age() {
    REPLICATED
        .look(async |stack| {
            let table = kubectl::run(&["get", "rts", "--namespace", &stack.namespace]).await;
            let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
            assert_eq!(rows[0], ["NAME", "READY", "STATUS", "VERSION", "AGE"], "{table}");
            assert_eq!(rows[1][..4], ["demo", "True", "Ready", env!("CARGO_PKG_VERSION")], "{table}");
            assert_eq!((rows.len(), rows[1].len()), (2, 5), "{table}");
        })
        .await;
}

#[tokio::test]
async fn kubectl_describe_explains_each_component() {
    REPLICATED
        .look(async |stack| {
            let text = kubectl::run(&["describe", "rts", &stack.name, "--namespace", &stack.namespace]).await;
            for component in ["api", "consumer", "notifications", "redis", "kafka", "postgres"] {
                let line = text.lines().find(|line| line.split_whitespace().eq(["Name:", component]));
                assert!(line.is_some(), "{component} is missing: {text}");
            }
            for sentence in
                ["every component is ready", "every object is applied", "the operator makes the cluster hold"]
            {
                assert!(text.contains(sentence), "{sentence}: {text}");
            }
        })
        .await;
}

#[tokio::test]
async fn kubectl_wait_returns_for_a_ready_stack() {
    REPLICATED
        .look(async |stack| {
            let (name, namespace) = (format!("rts/{}", stack.name), stack.namespace.as_str());
            let said =
                kubectl::run(&["wait", "--for=condition=Ready", &name, "--namespace", namespace, "--timeout=5s"]).await;
            assert!(said.contains("condition met"), "{said}");
        })
        .await;
}
