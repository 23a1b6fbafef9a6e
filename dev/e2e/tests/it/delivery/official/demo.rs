//! Namespace `/demo`.

use std::time::Duration;

use realtime_contract::Component;
use realtime_e2e::clients::{Client, SocketIo, Transport};
use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::http::Http;
use realtime_e2e::{Stack, eventually};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::PATIENCE;

/// Connections are counted by address, and all tests have the same.
static ALONE: Mutex<()> = Mutex::const_new(());

/// The longest time between two random strings, and some more for a busy machine.
const NEXT_STRING: Duration = Duration::from_secs(18);
/// Connections of an address at most.
const MOST: usize = 10;
/// Pings of a client at most.
const PINGS: usize = 100;

/// One client of an instance, by the instance's number.
async fn visit(stack: &Stack, instance: usize, transport: Transport) -> Client {
    let url = format!("{}/demo", stack.pod_urls(Component::Api).await[instance]);
    SocketIo { url: &url, transport, auth: None, resumes: false }.connect().await
}

fn milliseconds() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_millis()).expect("not that late")
}

/// Demands that a time is about now.
fn is_now(time: &Value) {
    let time = time.as_u64().unwrap_or_default();
    assert!(milliseconds().abs_diff(time) < 10_000, "{time} is now in milliseconds");
}

/// What an instance says of its connections.
async fn health(stack: &Stack, instance: usize) -> Value {
    let http = Http::new(stack.pod_urls(Component::Api).await.remove(instance));
    let answer = http.get("/api/websocket/health").await.expect("the API answers");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// Waits until nobody is connected any more: a client that polled, and was killed by the test before between two requests, is there until it does not
/// answer a ping, which takes up to 85 s.
async fn deserted(stack: &Stack) {
    eventually("nobody is there", Duration::from_secs(100), async || {
        for instance in 0..2 {
            let health = health(stack, instance).await;
            if health["connections"] != 0 {
                return Err(health.to_string());
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn clients_of_an_instance_are_greeted_and_get_the_same_random_strings() {
    let _alone = ALONE.lock().await;
    REPLICATED
        .look(async |stack| {
            deserted(stack).await;
            let mut clients = Vec::new();
            for transport in Transport::ALL {
                clients.push(visit(stack, 0, transport).await);
            }
            let mut values = Vec::new();
            for client in &mut clients {
                let is_status = |it: &Value| it["event"] == "connectionStatus";
                let status = client.arrivals.wait("status", PATIENCE, is_status).await;
                assert_eq!(status.data(), "connected");
                let first = client
                    .arrivals
                    .seen()
                    .iter()
                    .find(|it| it.event["event"] != "ready" && it.event["event"] != "upgrade");
                assert_eq!(first.expect("something came").event["event"], "connectionStatus", "before anything else");
                let string =
                    client.arrivals.wait("random string", NEXT_STRING, |it| it["event"] == "randomString").await;
                assert_eq!(string.event["arguments"].as_array().map(Vec::len), Some(1), "no offset in this namespace");
                is_now(&string.data()["timestamp"]);
                values.push(string.data()["value"].as_str().expect("a text").to_owned());
            }
            assert!(values.iter().all(|value| *value == values[0]), "one for all: {values:?}");
            let right = |value: &String| value.len() == 10 && value.bytes().all(|it| it.is_ascii_alphanumeric());
            assert!(values.iter().all(right), "{values:?}");
            let next =
                clients[0].arrivals.nth("random string", 2, NEXT_STRING, |it| it["event"] == "randomString").await;
            assert_ne!(next.data()["value"], values[0], "another one each time");
        })
        .await;
}

#[tokio::test]
async fn pings_are_acknowledged_up_to_a_limit_and_one_without_a_callback_disturbs_nothing() {
    let _alone = ALONE.lock().await;
    REPLICATED
        .look(async |stack| {
            deserted(stack).await;
            for transport in Transport::ALL {
                let mut client = visit(stack, 1, transport).await;
                client.emit("ping", &[]).await;
                for _ in 1..PINGS {
                    let answer = client.ask("ping", &[]).await.remove(0);
                    assert_eq!(answer["status"], "ok", "{answer}");
                    is_now(&answer["timestamp"]);
                    is_now(&answer["serverTime"]);
                }
                let ended = |it: &Value| ["error", "disconnect"].contains(&it["event"].as_str().unwrap_or_default());
                assert!(!client.arrivals.seen().iter().any(|it| ended(&it.event)), "{PINGS} are allowed");
                client.emit("ping", &[]).await;
                let error = client.arrivals.wait("error", PATIENCE, |it| it["event"] == "error").await;
                assert_eq!(*error.data(), json!({"message": "Ping limit exceeded", "code": "PING_LIMIT"}));
                let end = client.arrivals.wait("end", PATIENCE, |it| it["event"] == "disconnect").await;
                assert_eq!(*end.data(), "io server disconnect", "{transport:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn an_address_has_ten_connections_over_all_instances_and_the_health_route_counts_them() {
    let _alone = ALONE.lock().await;
    REPLICATED
        .look(async |stack| {
            deserted(stack).await;
            let mut clients = Vec::new();
            for number in 0..MOST {
                clients.push(visit(stack, number % 2, Transport::ALL[number % 3]).await);
            }
            let url = format!("{}/demo", stack.pod_urls(Component::Api).await[0]);
            let refused = SocketIo { url: &url, transport: Transport::WebSocket, auth: None, resumes: false };
            let mut client = refused.start();
            let error = client.arrivals.wait("refusal", PATIENCE, |it| it["event"] == "connect_error").await;
            assert_eq!(*error.data(), "Too many connections from this IP");
            assert_eq!(error.event["active"], json!(false), "it does not come back by itself");

            let health = health(stack, 0).await;
            assert_eq!(health["status"], "healthy", "{health}");
            assert!(health["connections"].as_u64().is_some_and(|count| count >= 5), "{health}");
            assert!(!health["connectionsByIP"].is_null(), "{health}");
            is_now(&health["timestamp"]);

            clients.remove(0).disconnect().await;
            eventually("another one may come", PATIENCE, async || {
                client.connect_again().await;
                client.arrivals.find("connection", Duration::from_secs(2), |it| it["event"] == "ready").await.map(drop)
            })
            .await;
        })
        .await;
}
