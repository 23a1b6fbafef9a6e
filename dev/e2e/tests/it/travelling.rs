//! From a POST to the clients, and from Kafka to the clients.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::LogParams;
use realtime_contract::Component;
use realtime_e2e::clients::{self, Client, Transport};
use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::{Stack, eventually, sse};
use serde_json::{Value, json};
use uuid::Uuid;

/// What "at once" means: a notification is at the client this soon after its POST was answered.
const PROMPT: Duration = Duration::from_secs(1);
/// How long a test waits for what should come at once, before it says that it never came.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts five notifications and gives the median of the times from the answer to the arrival at the client.
async fn median_delay(stack: &Stack, client: &mut Client) -> Duration {
    let api = stack.api().await;
    let mut delays = Vec::new();
    for number in 1..=5 {
        let posted = api.notify(&format!("number {number}")).await;
        let arrival = client.arrivals.notification(&posted.id, PATIENCE).await;
        assert_eq!(arrival.data()["message"], format!("number {number}"));
        delays.push(arrival.at.saturating_duration_since(posted.answer.at));
    }
    delays.sort();
    eprintln!("delays: {delays:?}");
    delays[2]
}

#[tokio::test]
async fn a_notification_arrives_at_socket_io_by_websocket_within_a_second() {
    REPLICATED
        .look(async |stack| {
            let mut client = clients::socket_io(&stack.url(Component::Api).await, Transport::WebSocket).await;
            let delay = median_delay(stack, &mut client).await;
            assert!(delay < PROMPT, "median {delay:?}");
            let event = |arrival: &realtime_e2e::Arrival| arrival.event["event"].clone();
            let events: Vec<Value> = client.arrivals.seen().iter().map(event).collect();
            assert_eq!(events.iter().filter(|event| **event == "notification").count(), 5, "{events:?}");
        })
        .await;
}

#[tokio::test]
async fn a_notification_arrives_at_an_event_source_within_a_second() {
    REPLICATED
        .look(async |stack| {
            let url = format!("{}/api/sse/notifications", stack.url(Component::Api).await);
            let mut client = clients::event_source(&url).await;
            let delay = median_delay(stack, &mut client).await;
            assert!(delay < PROMPT, "median {delay:?}");
        })
        .await;
}

/// Through the Service, whose stickiness polling needs, and at each replica by its own address: whichever replica took the POST, the
/// others deliver it too.
#[tokio::test]
async fn polling_alone_works_over_two_replicas() {
    REPLICATED
        .look(async |stack| {
            let replicas = stack.pod_urls(Component::Api).await;
            assert_eq!(replicas.len(), 2, "{replicas:?}");
            let service = stack.url(Component::Api).await;
            let mut polling = Vec::new();
            for url in replicas.iter().chain([&service]) {
                polling.push(clients::socket_io(url, Transport::Polling).await);
            }
            for client in &mut polling {
                let delay = median_delay(stack, client).await;
                assert!(delay < PROMPT, "median {delay:?}");
            }
            for client in &polling {
                let ready = client.arrivals.seen().iter().find(|arrival| arrival.event["event"] == "ready");
                assert_eq!(ready.expect("it was connected").data()["transport"], "polling");
                let disconnected = |arrival: &realtime_e2e::Arrival| arrival.event["event"] == "disconnect";
                assert!(!client.arrivals.seen().iter().any(disconnected), "{:?}", client.arrivals.seen());
            }
        })
        .await;
}

#[tokio::test]
async fn a_delivered_notification_has_its_final_status_in_postgres() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let mut stream = sse::listen(&format!("{}/api/sse/notifications", api.base), None).await;
            let posted = api.notify("to be stored").await;
            let arrival = stream.notification(&posted.id, PATIENCE).await;
            assert_eq!(arrival.data()["status"], "processed");
            let row = format!("SELECT status, message FROM notifications WHERE id = '{}'", posted.id);
            assert_eq!(stack.query(&row).await, "processed|to be stored");
            // Other tests post to this stack, too.
            eventually("Kafka has acknowledged everything", PATIENCE, async || {
                let count = stack.query("SELECT count(*) FROM outbox").await;
                if count == "0" { Ok(()) } else { Err(format!("{count} rows in the outbox")) }
            })
            .await;
        })
        .await;
}

#[tokio::test]
async fn the_trace_of_a_post_is_in_the_log_of_the_consumer() {
    REPLICATED
        .look(async |stack| {
            let posted = stack.api().await.notify("to be traced").await;
            let header = posted.answer.headers.get("x-trace-id").and_then(|value| value.to_str().ok());
            assert_eq!(header, Some(posted.trace_id.as_str()), "the answer names the sender's trace");
            let line = eventually("the consumer logs the notification", PATIENCE, async || {
                let lines = log_lines(stack, Component::Consumer).await;
                let of_notification = lines.into_iter().find(|line| line["notification_id"] == posted.id);
                of_notification.ok_or_else(|| format!("no line about {}", posted.id))
            })
            .await;
            assert_eq!(
                (&line["message"], &line["trace_id"]),
                (&json!("notification processed"), &json!(posted.trace_id))
            );
        })
        .await;
}

async fn log_lines(stack: &Stack, component: Component) -> Vec<Value> {
    let mut lines = Vec::new();
    for pod in stack.pods(component).await {
        let parameters = LogParams { since_seconds: Some(120), ..LogParams::default() };
        let log = stack.objects::<Pod>().logs(&pod.name_any(), &parameters).await.expect("a running pod has a log");
        lines
            .extend(log.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is one JSON object")));
    }
    lines
}

#[tokio::test]
async fn a_product_event_in_kafka_arrives_at_every_replica_of_notifications() {
    REPLICATED
        .look(async |stack| {
            let replicas = stack.pod_urls(Component::Notifications).await;
            assert_eq!(replicas.len(), 2, "{replicas:?}");
            let mut clients = Vec::new();
            for replica in &replicas {
                clients.push(clients::event_source(&format!("{replica}/events/stream")).await);
            }
            let id = Uuid::new_v4().to_string();
            let product = json!({"id": "prod-456", "name": "New Product", "price": 99.99, "stock": 100});
            let event = json!({"id": id, "type": "ProductCreated", "timestamp": "2026-11-21T06:00:00.000Z", "product": product});
            let begin = Instant::now();
            stack.produce("product-events", &event.to_string()).await;
            for client in &mut clients {
                let arrival = client.arrivals.wait("product event", PATIENCE, |it| it["data"]["id"] == id.as_str()).await;
                assert_eq!(arrival.data()["product"], product);
                assert!(arrival.data()["broadcastTimestamp"].is_string(), "{}", arrival.event);
                eprintln!("{:?} after the producer was started", arrival.at - begin);
                assert_eq!(client.arrivals.seen()[1].data()["type"], "connection", "{:?}", client.arrivals.seen());
            }
        })
        .await;
}
