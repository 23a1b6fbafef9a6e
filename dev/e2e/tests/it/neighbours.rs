//! Two stacks of one name in two namespaces.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use realtime_contract::Component;
use realtime_e2e::clients::{self, Transport};
use realtime_e2e::fixture::look_at_both;
use realtime_e2e::sse;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_notification_of_one_stack_never_reaches_another_one() {
    look_at_both(async |replicated, default| {
        assert_ne!(replicated.namespace, default.namespace);
        let there = default.url(Component::Api).await;
        let mut socket = clients::socket_io(&there, Transport::WebSocket).await;
        let mut stream = sse::listen(&format!("{there}/api/sse/notifications"), None).await;
        let url = format!("{}/api/sse/notifications", replicated.url(Component::Api).await);
        let mut own = sse::listen(&url, None).await;

        let foreign = replicated.api().await.notify("for the first stack").await;
        own.notification(&foreign.id, PATIENCE).await;
        // What is posted later arrives later: once it is here, the earlier one would be, too.
        let last = default.api().await.notify("for the second stack").await;
        socket.arrivals.notification(&last.id, PATIENCE).await;
        stream.notification(&last.id, PATIENCE).await;
        for arrival in socket.arrivals.seen().iter().chain(stream.seen()) {
            assert_ne!(arrival.data()["id"], json!(foreign.id), "{}", arrival.event);
        }
        let found = default.query(&format!("SELECT count(*) FROM notifications WHERE id = '{}'", foreign.id)).await;
        assert_eq!(found, "0");
    })
    .await;
}

#[tokio::test]
async fn every_password_of_one_stack_differs_from_those_of_another_one() {
    look_at_both(async |replicated, default| {
        for key in ["redis-password", "kafka-password", "kafka-broker-password", "postgres-password"] {
            let (one, other) = (replicated.credential(key).await, default.credential(key).await);
            assert_ne!(one, other, "{key}");
            assert!(one.len() >= 32, "{key} is long enough");
        }
        assert_eq!(replicated.labelled::<Pod>().await.len(), 9, "6 components, 2 of them twice, and the prepare step");
    })
    .await;
}
