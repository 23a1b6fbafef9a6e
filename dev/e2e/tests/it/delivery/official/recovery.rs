//! Clients whose connection was cut.

use std::time::Duration;

use realtime_contract::Component;
use realtime_e2e::clients::{Client, Transport};
use realtime_e2e::entrance::{self, Entrance};
use realtime_e2e::fixture::{DELIVERY, REPLICATED};
use realtime_e2e::{Stack, eventually, sse};
use serde_json::{Value, json};

use super::{PATIENCE, messages, resuming};
use crate::streams::run_name;

/// A client comes back after a wait of its own, which grows up to 5 s.
const BACK: Duration = Duration::from_secs(20);
/// Notifications that a client misses.
const MISSED: u32 = 12;

/// A client of some channels behind an entrance that a test leads elsewhere.
struct Traveller {
    run: String,
    entrance: Entrance,
    client: Client,
    posted: u32,
}

impl Traveller {
    async fn set_out(stack: &Stack, transport: Transport, auth: &Value) -> Self {
        let mut traveller = Self::arrive(stack, transport, auth).await;
        traveller.post(stack, 3).await;
        traveller.has_all(1).await;
        traveller
    }

    async fn arrive(stack: &Stack, transport: Transport, auth: &Value) -> Self {
        let pod = stack.pods(Component::Api).await.remove(0);
        let entrance = Entrance::open(vec![entrance::address(&pod)]).await;
        let client = resuming(&entrance.url, transport, Some(auth)).connect().await;
        Self { run: run_name(), entrance, client, posted: 0 }
    }

    /// Posts to a channel that the client wants and to one that it does not, until the other instance has delivered them.
    async fn post(&mut self, stack: &Stack, count: u32) {
        let there = format!("{}/api/sse/notifications", stack.pod_urls(Component::Api).await[1]);
        let mut witness = sse::listen(&there, None).await;
        let api = stack.api().await;
        let mut last = String::new();
        for _ in 0..count {
            self.posted += 1;
            for (channel, name) in [("unwanted", "other"), ("wanted", self.run.as_str())] {
                let body = json!({"message": format!("{name} {}", self.posted), "channel": channel}).to_string();
                let answer = api.post("application/json", body).await.expect("the API answers");
                assert_eq!(answer.status, 201, "{}", answer.body);
                last = answer.body["id"].as_str().unwrap_or_default().to_owned();
            }
        }
        witness.notification(&last, PATIENCE).await;
    }

    /// Waits until the client, connected for that time, has what was posted; demands that it has it once and in order, and nothing else.
    async fn has_all(&mut self, connection: usize) -> Value {
        let ready = self.client.connected_times(connection, BACK).await;
        let last = format!("{} {}", self.run, self.posted);
        self.client.arrivals.wait("last notification", PATIENCE, |it| it["data"]["message"] == last).await;
        // An answer behind it: what would come twice would have come.
        self.client.ask("ping", &[]).await;
        let expected: Vec<String> = (1..=self.posted).map(|number| format!("{} {number}", self.run)).collect();
        assert_eq!(messages(&self.client, ""), expected, "{:?}", self.client.arrivals.seen());
        let gap = self.client.arrivals.seen().iter().find(|it| it.event["event"] == "gap");
        assert!(gap.is_none(), "{gap:?}");
        ready.data().clone()
    }

    /// Cuts the client off, posts, and lets it in again at the instance of that number.
    async fn misses_something(&mut self, stack: &Stack, instance: usize) {
        self.cut_off().await;
        self.post(stack, MISSED).await;
        self.let_in(stack, instance).await;
    }

    async fn cut_off(&mut self) {
        let cuts = self.ends() + 1;
        self.entrance.lead_to(Vec::new());
        self.entrance.cut();
        self.client.arrivals.nth("cut", cuts, BACK, |it| it["event"] == "disconnect").await;
    }

    async fn let_in(&self, stack: &Stack, instance: usize) {
        let pod = stack.pods(Component::Api).await.remove(instance);
        self.entrance.lead_to(vec![entrance::address(&pod)]);
    }

    fn ends(&self) -> usize {
        self.client.arrivals.seen().iter().filter(|it| it.event["event"] == "disconnect").count()
    }
}

fn wanted() -> Value {
    json!({"channels": ["wanted"]})
}

#[tokio::test]
async fn a_client_whose_connection_was_cut_is_recovered_by_each_transport_at_the_same_instance_and_at_another() {
    REPLICATED
        .look(async |stack| {
            for transport in Transport::ALL {
                let mut traveller = Traveller::set_out(stack, transport, &wanted()).await;
                let id = traveller.has_all(1).await["id"].clone();
                for (connection, instance) in [(2, 0), (3, 1), (4, 0)] {
                    traveller.misses_something(stack, instance).await;
                    let ready = traveller.has_all(connection).await;
                    assert_eq!((&ready["recovered"], &ready["id"]), (&json!(true), &id), "{transport:?} at {instance}");
                }
            }
        })
        .await;
}

/// As an application tries it: the client itself closes the connection below it.
#[tokio::test]
async fn a_client_that_closes_its_own_connection_is_recovered_and_keeps_the_channels_that_it_has_subscribed_to() {
    REPLICATED
        .look(async |stack| {
            for transport in Transport::ALL {
                let mut traveller = Traveller::arrive(stack, transport, &json!({"channels": ["given"]})).await;
                traveller.client.ask("subscribe", &[json!("wanted")]).await;
                traveller.client.ask("unsubscribe", &[json!("given")]).await;
                traveller.post(stack, 3).await;
                let id = traveller.has_all(1).await["id"].clone();
                traveller.client.cut().await;
                traveller.post(stack, MISSED).await;
                let ready = traveller.has_all(2).await;
                assert_eq!((&ready["recovered"], &ready["id"]), (&json!(true), &id), "{transport:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_client_that_has_left_on_purpose_is_not_recovered() {
    REPLICATED
        .look(async |stack| {
            let mut traveller = Traveller::set_out(stack, Transport::WebSocket, &wanted()).await;
            let id = traveller.has_all(1).await["id"].clone();
            traveller.client.disconnect().await;
            traveller.client.arrivals.wait("end", PATIENCE, |it| it["event"] == "disconnect").await;
            traveller.client.connect_again().await;
            let ready = traveller.client.connected_times(2, BACK).await;
            assert_eq!(ready.data()["recovered"], json!(false));
            assert_ne!(ready.data()["id"], id);
        })
        .await;
}

/// The server has forgotten the client, and the client says itself where it was.
#[tokio::test]
async fn a_client_that_names_its_last_offset_misses_nothing_when_redis_was_emptied() {
    DELIVERY
        .change(async |stack| {
            for transport in Transport::ALL {
                let mut traveller = Traveller::set_out(stack, transport, &wanted()).await;
                traveller.cut_off().await;
                traveller.post(stack, MISSED).await;
                eventually("there is something in Redis", PATIENCE, async || match stack.empty_redis().await {
                    0 => Err("it is empty".to_owned()),
                    _ => Ok(()),
                })
                .await;
                traveller.let_in(stack, 1).await;
                let ready = traveller.has_all(2).await;
                assert_eq!(ready["recovered"], json!(false), "{transport:?}");
                traveller.post(stack, 3).await;
                traveller.has_all(2).await;
            }
        })
        .await;
}
