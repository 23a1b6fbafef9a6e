use std::time::Duration;

use realtime_contract::Component;
use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::log::Log;
use realtime_e2e::{Stack, clients, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Shell, assert_time, names};
use crate::streams::measured;

/// A heartbeat comes within this time.
const HEARTBEAT: Duration = Duration::from_secs(35);
const PATIENCE: Duration = Duration::from_secs(15);

async fn shell(stack: &Stack, line: &str) -> Shell {
    Shell::run(&stack.url(Component::Notifications).await, line).await
}

#[tokio::test]
async fn the_service_tells_its_health_its_figures_and_where_everything_is() {
    REPLICATED
        .look(async |stack| {
            let information = shell(stack, "curl $API/").await;
            assert_eq!(information.status, 200);
            let endpoints = json!({"stream": "/events/stream", "health": "/health", "metrics": "/metrics"});
            assert_eq!(
                information.json(),
                json!({"name": "realtime-notifications", "version": env!("CARGO_PKG_VERSION"), "endpoints": endpoints})
            );

            let health = shell(stack, "curl $API/health").await;
            let told = health.json();
            assert_eq!((health.status, names(&told)), (200, vec!["status", "timestamp", "services", "metrics", "sse"]));
            assert_eq!(
                (&told["status"], &told["services"]),
                (&json!("healthy"), &json!({"kafka": {"status": "healthy"}}))
            );
            assert_eq!(names(&told["metrics"]), ["processedMessagesCount", "maxCacheSize"]);
            assert_eq!(names(&told["sse"]), ["activeConnections", "timestamp"]);
            assert_time(&told["timestamp"]);

            let metrics = shell(stack, "curl $API/metrics").await.json();
            assert_eq!(names(&metrics), ["consumer", "sse"]);
            assert_eq!(names(&metrics["consumer"]), ["processedMessagesCount", "maxCacheSize", "timestamp"]);
            assert_eq!(metrics["consumer"]["maxCacheSize"], 10_000);
            for accept in ["text/plain", "application/openmetrics-text;version=1.0.0"] {
                let scraped = shell(stack, &format!("curl $API/metrics -H 'Accept: {accept}'")).await;
                assert!(scraped.body.contains("# TYPE "), "{accept}: {}", scraped.body);
            }
        })
        .await;
}

/// What pages have: `new EventSource('/events/stream')`, a switch on `data.type`, and two types that lists leave out.
#[tokio::test]
async fn an_event_source_gets_each_type_of_product_event_as_it_came_and_signs_of_life() {
    REPLICATED
        .look(async |stack| {
            let url = format!("{}/events/stream", stack.url(Component::Notifications).await);
            let mut client = clients::event_source(&url).await;
            let is = |kind: &'static str| move |it: &Value| it["data"]["type"] == kind;
            let first = client.arrivals.wait("connection", PATIENCE, is("connection")).await.data().clone();
            assert_eq!(names(&first), ["type", "message", "timestamp"]);
            assert_eq!(first["message"], "Connected to notifications stream");
            assert_time(&first["timestamp"]);
            for kind in ["ProductCreated", "ProductUpdated", "ProductDeleted", "LowStockWarning"] {
                let id = format!("event-{}", Uuid::new_v4());
                let product = json!({"id": "prod-456", "name": "New Product", "price": 99.99, "stock": 100});
                let event =
                    json!({"id": id, "type": kind, "timestamp": "2026-11-21T06:00:00.000Z", "product": product});
                stack.produce("product-events", &event.to_string()).await;
                let arrival = client.arrivals.wait(kind, PATIENCE, |it| it["data"]["id"] == id.as_str()).await;
                let data = arrival.data();
                assert_eq!(names(data), ["id", "type", "timestamp", "product", "broadcastTimestamp"]);
                assert_eq!((&data["type"], &data["product"]), (&json!(kind), &product));
                assert_eq!(data["timestamp"], "2026-11-21T06:00:00.000Z");
                assert_time(&data["broadcastTimestamp"]);
            }
            let heartbeat = client.arrivals.wait("heartbeat", HEARTBEAT, is("heartbeat")).await;
            assert_eq!(names(heartbeat.data()), ["type", "timestamp"]);
            assert_time(&heartbeat.data()["timestamp"]);
        })
        .await;
}

#[tokio::test]
async fn an_event_that_is_written_twice_is_sent_once_and_counted_as_a_duplicate() {
    REPLICATED
        .look(async |stack| {
            let log = Log::open(stack, env!("CARGO_BIN_EXE_realtime-e2e-log")).await;
            let url = format!("{}/events/stream", stack.url(Component::Notifications).await);
            let mut client = clients::event_source(&url).await;
            let duplicates = async || {
                let mut counts = Vec::new();
                for pod in stack.pods(Component::Notifications).await {
                    counts.push(measured(&pod, "realtime_stream_records_total", r#"outcome="duplicate""#).await);
                }
                counts
            };
            let before = duplicates().await;
            let (twice, behind) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
            for id in [&twice, &twice, &behind] {
                let event = json!({"id": id, "type": "ProductCreated", "timestamp": "now", "product": {"id": "p"}});
                log.produce("product-events", 0, "p", &event.to_string()).await;
            }
            client.arrivals.wait("event behind", PATIENCE, |it| it["data"]["id"] == behind.as_str()).await;
            let came = client.arrivals.seen().iter().filter(|it| it.data()["id"] == twice.as_str()).count();
            assert_eq!(came, 1);
            let one_more: Vec<f64> = before.iter().map(|count| count + 1.0).collect();
            assert_eq!(one_more.len(), 2);
            eventually("each instance counts one", PATIENCE, async || {
                let now = duplicates().await;
                if now == one_more { Ok(()) } else { Err(format!("{before:?} and then {now:?}")) }
            })
            .await;
        })
        .await;
}

#[tokio::test]
async fn pages_of_any_origin_may_read_the_stream() {
    REPLICATED
        .look(async |stack| {
            let line = "curl -X OPTIONS $API/events/stream -H 'Origin: http://localhost:3000' \
                        -H 'Access-Control-Request-Method: GET' -H 'Access-Control-Request-Headers: cache-control'";
            let preflight = shell(stack, line).await;
            assert!(preflight.status < 300, "{}", preflight.headers);
            preflight.assert_header("access-control-allow-origin", "*");
            let stream =
                shell(stack, "curl -N --max-time 1 $API/events/stream -H 'Origin: http://localhost:3000'").await;
            stream.assert_header("access-control-allow-origin", "*");
            stream.assert_header("content-type", "text/event-stream");
        })
        .await;
}
