//! Topics that grow, topics of one's own, and what the service measures of them.

use realtime_contract::Component;
use realtime_e2e::fixture::STREAMS;
use realtime_e2e::log::command::Command;
use realtime_e2e::{eventually, sse};
use serde_json::json;

use super::{CAUGHT_UP, PATIENCE, log, measured_of_all, run_name, stream_url};

#[tokio::test]
async fn events_of_a_partition_that_is_added_arrive_at_every_instance() {
    STREAMS
        .change(async |stack| {
            let (log, run) = (log(stack).await, run_name());
            let mut streams = Vec::new();
            for replica in stack.pod_urls(Component::Notifications).await {
                streams.push(sse::listen(&format!("{replica}/events/stream"), None).await);
            }
            assert_eq!(streams.len(), 3);
            log.run(Command::Grow { topic: "orders".to_owned(), partitions: 3 }).await;
            let order = json!({"id": run, "type": "OrderPlaced", "order": {"number": 1}}).to_string();
            // Who writes learns of the partition a moment later, too.
            let written = log.produce("orders", 2, "new", &order).await;
            assert_eq!(written, (2, 0), "the first record of the new partition");
            for stream in &mut streams {
                stream.wait("event of the new partition", CAUGHT_UP, |it| it["data"]["id"] == run.as_str()).await;
            }
        })
        .await;
}

#[tokio::test]
async fn an_event_of_ones_own_arrives_and_one_that_breaks_its_schema_is_counted() {
    STREAMS
        .change(async |stack| {
            let (log, run, url) = (log(stack).await, run_name(), stream_url(stack).await);
            let invalid =
                async || measured_of_all(stack, "realtime_stream_records_total", r#"outcome="invalid""#).await;
            let before = invalid().await;
            let mut all = sse::listen(&url, None).await;
            let mut chosen = sse::listen(&format!("{url}?types=OrderPlaced&field.order.currency=EUR"), None).await;
            let mut others = sse::listen(&format!("{url}?types=ProductCreated&channels=customer-7"), None).await;
            let orders = [
                json!({"id": format!("{run}-1"), "type": "OrderPlaced", "order": {"number": 1, "currency": "EUR"}}),
                json!({"id": format!("{run}-2"), "type": "OrderPlaced", "order": {"number": "two", "currency": "EUR"}}),
                json!({"id": format!("{run}-3"), "type": "OrderPlaced", "order": {"number": 3, "currency": "USD"}}),
                json!({"id": format!("{run}-4"), "type": "OrderPlaced", "order": {"number": 4, "currency": "EUR"}}),
            ];
            for order in &orders {
                log.produce("orders", 0, "customer-7", &order.to_string()).await;
            }
            for stream in [&mut all, &mut chosen] {
                let last = stream.wait("last order", PATIENCE, |it| it["data"]["id"] == orders[3]["id"]).await;
                assert!(last.data()["broadcastTimestamp"].is_string(), "{}", last.event);
            }
            let numbers = |stream: &realtime_e2e::Arrivals| -> Vec<u64> {
                stream.seen().iter().filter_map(|it| it.data()["order"]["number"].as_u64()).collect()
            };
            assert_eq!((numbers(&all), numbers(&chosen)), (vec![1, 3, 4], vec![1, 4]));
            eventually("the invalid one is counted by each instance", PATIENCE, async || {
                let now = invalid().await;
                if now - before >= 3.0 { Ok(()) } else { Err(format!("{before} and then {now}")) }
            })
            .await;
            let product =
                json!({"id": format!("{run}-5"), "type": "ProductCreated", "timestamp": "now", "product": {"id": "p"}});
            log.produce("orders", 0, "customer-7", &product.to_string()).await;
            others.wait("product event", PATIENCE, |it| it["data"]["id"] == product["id"]).await;
            assert_eq!(numbers(&others), Vec::<u64>::new());
        })
        .await;
}

#[tokio::test]
async fn the_service_measures_lag_age_resumes_and_queues() {
    STREAMS
        .look(async |stack| {
            let names = [
                ("realtime_connections_active", "transport="),
                ("realtime_deliveries_total", ""),
                ("realtime_delivery_age_seconds_count", ""),
                ("realtime_queue_bytes", ""),
                ("realtime_resumes_total", r#"result="live""#),
                ("realtime_resumes_total", r#"result="ring""#),
                ("realtime_resumes_total", r#"result="log""#),
                ("realtime_resumes_total", r#"result="gap""#),
                ("realtime_stream_lag_records", r#"topic="product-events""#),
                ("realtime_stream_age_seconds_count", ""),
            ];
            for (name, label) in names {
                measured_of_all(stack, name, label).await;
            }
        })
        .await;
}
