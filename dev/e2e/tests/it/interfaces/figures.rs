//! What is counted under the names that dashboards ask for.

use std::time::Duration;

use realtime_contract::Component;
use realtime_e2e::eventually;
use realtime_e2e::fixture::{DEFAULT, REPLICATED};

use super::api::{POST, shell};
use crate::streams::measured;

const PATIENCE: Duration = Duration::from_secs(15);

#[tokio::test]
async fn the_metrics_have_the_names_that_dashboards_ask_for() {
    REPLICATED
        .look(async |stack| {
            for line in [POST, "curl $API/api/notifications", "curl $API/api/notifications"] {
                assert!(shell(stack, line).await.status < 300, "{line}");
            }
            let answer = shell(stack, "curl $API/metrics").await;
            assert!(answer.headers.contains("content-type: text/plain"), "{}", answer.headers);
            let kinds = [
                ("http_request_duration_seconds", "histogram"),
                ("http_requests_total", "counter"),
                ("websocket_connections_total", "gauge"),
                ("redis_operations_total", "counter"),
                ("cache_hits_total", "counter"),
                ("cache_misses_total", "counter"),
                ("notifications_sent_total", "counter"),
            ];
            for (name, kind) in kinds {
                assert!(answer.body.contains(&format!("# TYPE {name} {kind}\n")), "{name}: {}", answer.body);
            }
        })
        .await;
}

#[tokio::test]
async fn the_metrics_count_what_is_posted_and_read() {
    DEFAULT
        .change(async |stack| {
            let pods = stack.pods(Component::Api).await;
            let [pod] = &*pods else { panic!("{} pods", pods.len()) };
            let sent = async || measured(pod, "notifications_sent_total", "").await;
            let before = sent().await;
            let posted = shell(stack, POST).await.json();
            assert_eq!(sent().await, before + 1.0);
            let own = format!("curl $API/api/notifications/{}", posted["id"].as_str().expect("an id"));
            // What comes of it changes the list once more.
            eventually("it is processed", PATIENCE, async || {
                let now = shell(stack, &own).await.json();
                if now["status"] == "processed" { Ok(()) } else { Err(now.to_string()) }
            })
            .await;
            shell(stack, "curl $API/api/cache-test").await;
            let counters = async || {
                let increments = measured(pod, "redis_operations_total", r#"operation="incr",outcome="ok""#).await;
                let hits = measured(pod, "cache_hits_total", "").await;
                (increments, measured(pod, "cache_misses_total", "").await, hits)
            };
            shell(stack, "curl -X DELETE $API/api/notifications").await;
            let (increments, misses, hits) = counters().await;
            for _ in 0..2 {
                shell(stack, "curl $API/api/notifications?limit=7").await;
            }
            shell(stack, "curl $API/api/cache-test").await;
            assert_eq!(counters().await, (increments + 1.0, misses + 1.0, hits + 1.0));
        })
        .await;
}
