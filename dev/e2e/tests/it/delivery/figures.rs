//! What an instance of the API counts while clients of every kind come, are served, are cut off and come back.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::DeleteParams;
use realtime_contract::Component;
use realtime_e2e::clients::{SocketIo, Transport};
use realtime_e2e::entrance::{self, Entrance, is_ready};
use realtime_e2e::eventually;
use realtime_e2e::fixture::DELIVERY;
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, sse};

use super::PATIENCE;
use crate::streams::measured;

/// Waits until a number of the pod, the sum of those with the label, is what is demanded.
async fn becomes(pod: &Pod, name: &str, label: &str, demand: impl Fn(f64) -> bool) {
    eventually(&format!("{name} with {label} is right"), PATIENCE, async || {
        let value = measured(pod, name, label).await;
        if demand(value) { Ok(()) } else { Err(value.to_string()) }
    })
    .await;
}

/// Has an instance replaced, and gives the new one: nobody was there before.
async fn fresh(stack: &Stack) -> Pod {
    let before: Vec<String> = stack.pods(Component::Api).await.iter().map(ResourceExt::name_any).collect();
    let parameters = DeleteParams::default().grace_period(0);
    stack.objects::<Pod>().delete(&before[0], &parameters).await.expect("a pod can be deleted");
    eventually("another instance is ready", START_LIMIT, async || {
        let pods = stack.pods(Component::Api).await;
        let new = pods.into_iter().find(|pod| !before.contains(&pod.name_any()) && is_ready(pod));
        new.ok_or_else(|| "there is none".to_owned())
    })
    .await
}

/// Where a counter stands, and later that it has moved by so many.
struct Counter {
    name: &'static str,
    label: &'static str,
    before: f64,
}

impl Counter {
    async fn read(pod: &Pod, name: &'static str, label: &'static str) -> Self {
        Self { name, label, before: measured(pod, name, label).await }
    }

    async fn has_moved(&self, pod: &Pod, by: f64) {
        let Self { name, label, before } = *self;
        becomes(pod, name, label, |it| it >= before + by).await;
    }
}

async fn post(stack: &Stack) -> String {
    stack.api().await.notify("to be counted").await.id
}

#[tokio::test]
async fn clients_and_deliveries_are_counted_by_transport_namespace_reason_and_result() {
    DELIVERY
        .change(async |stack| {
            let pod = fresh(stack).await;
            let closed = Counter::read(&pod, "realtime_connections_closed_total", "reason=\"gone\"").await;
            let delivered = Counter::read(&pod, "realtime_deliveries_total", "").await;
            let ages = Counter::read(&pod, "realtime_delivery_age_seconds_count", "").await;
            let recovered = Counter::read(&pod, "realtime_socketio_recoveries_total", "result=\"recovered\"").await;
            let resumed = Counter::read(&pod, "realtime_resumes_total", "result=\"ring\"").await;

            let entrance = Entrance::open(vec![entrance::address(&pod)]).await;
            let url = format!("{}/api/sse/notifications", entrance.url);
            let stream = sse::listen(&url, None).await;
            let mut clients = Vec::new();
            for (path, transport) in
                [("", Transport::WebSocket), ("", Transport::Polling), ("/demo", Transport::WebSocket)]
            {
                let url = format!("{}{path}", entrance.url);
                clients.push(SocketIo { url: &url, transport, auth: None, resumes: false }.connect().await);
            }
            let one = |it: f64| it == 1.0;
            becomes(&pod, "realtime_connections_active", "transport=\"sse\"", one).await;
            becomes(&pod, "realtime_connections_active", "transport=\"websocket\"", |it| it == 2.0).await;
            becomes(&pod, "realtime_connections_active", "transport=\"polling\"", one).await;
            becomes(&pod, "realtime_socketio_sockets", "namespace=\"/\",transport=\"polling\"", one).await;
            becomes(&pod, "realtime_socketio_sockets", "namespace=\"/\",transport=\"websocket\"", one).await;
            becomes(&pod, "realtime_socketio_sockets", "namespace=\"/demo\"", one).await;

            let id = post(stack).await;
            for client in &mut clients[..2] {
                client.arrivals.notification(&id, PATIENCE).await;
            }
            delivered.has_moved(&pod, 3.0).await;
            ages.has_moved(&pod, 1.0).await;
            becomes(&pod, "realtime_queue_bytes", "", |it| it == 0.0).await;
            becomes(&pod, "realtime_outbox_oldest_age_seconds", "", |it| it == 0.0).await;

            drop(stream);
            entrance.cut();
            for client in &mut clients {
                client.connected_times(2, PATIENCE).await;
            }
            closed.has_moved(&pod, 3.0).await;
            recovered.has_moved(&pod, 2.0).await;
            resumed.has_moved(&pod, 1.0).await;
        })
        .await;
}
