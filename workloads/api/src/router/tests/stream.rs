//! Streams through the server, with real sockets.

mod access;
mod crowded;
mod gaps;
pub(super) mod keys_away;
pub(super) mod tokens;

use std::{net::SocketAddr, time::Duration};

use realtime_contract::feed::FeedEntry;
use realtime_fanout::{
    CloseReason, Opening, Resume, Start,
    serve::{self, serve},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::feed::{LANE, draft};

pub(super) const EPOCH: Uuid = Uuid::from_u128(0x0192_d3a4_0000_7000_8000_0000_0000_0001);

/// A state whose feed was found at that position.
pub(super) fn found(position: u64) -> (ApiState, Publisher) {
    let (state, mut publisher) = state();
    publisher.begin(LANE, position + 1);
    state.epoch.found(EPOCH);
    state.engine.open();
    (state, publisher)
}

pub(super) fn publish(publisher: &mut Publisher, events: &[(&str, u64)]) {
    for (channel, position) in events {
        let entry = FeedEntry {
            position: *position,
            event_id: Uuid::from_u128((*position).into()),
            channel: (*channel).to_owned(),
            notification: format!("{{\"n\":{position}}}"),
            traceparent: None,
        };
        publisher.push(&draft(&entry));
    }
    publisher.flush();
}

pub(super) async fn served(state: &ApiState) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = serve::Settings {
        upgrade_paths: crate::socketio::paths(),
        ..serve::Settings::new(vec![crate::routes::stream::PATH.to_owned()], 16)
    };
    serve(listener, app(state), state.engine.clone(), settings, CancellationToken::new()).await;
    address
}

/// A connection, and what came over it so far.
struct Client {
    socket: TcpStream,
    received: String,
}

impl Client {
    async fn ask(address: SocketAddr, target: &str, headers: &str) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: api\r\n{headers}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        Self { socket, received: String::new() }
    }

    async fn stream(address: SocketAddr, seen: &str) -> Self {
        Self::ask(address, "/api/sse/notifications?channels=orders", &format!("Last-Event-ID: {seen}\r\n")).await
    }

    /// Reads until what came ends with that text, or with the connection; returns all that came.
    async fn until(&mut self, end: &str) -> &str {
        let mut buffer = [0; 4096];
        while end.is_empty() || !self.received.contains(end) {
            let read = timeout(Duration::from_secs(10), self.socket.read(&mut buffer)).await;
            let length = read.unwrap_or_else(|_| panic!("only this came: {}", self.received)).unwrap();
            if length == 0 {
                break;
            }
            self.received.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        &self.received
    }

    async fn end(&mut self) -> &str {
        self.until("").await
    }
}

/// The stream behind the head of its answer, as lines without what differs from one connection to the next.
fn frames(received: &str) -> Vec<&str> {
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-type: text/event-stream"), "{head}");
    let mut lines = body.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("retry: ")), "{body}");
    lines.filter(|line| !line.is_empty()).collect()
}

#[tokio::test]
async fn sends_a_stream_away_until_the_feed_is_found() {
    let (state, _publisher) = state();
    let mut client = Client::stream(served(&state).await, "").await;
    assert!(frames(client.end().await).is_empty());
}

#[tokio::test]
async fn streams_greeting_gap_and_live_events() {
    let (state, mut publisher) = found(7);
    let mut client = Client::stream(served(&state).await, "nonsense").await;
    client.until("event: gap").await;
    publish(&mut publisher, &[("stock", 8), ("orders", 9)]);
    let frames = frames(client.until("{\"n\":9}\n\n").await);
    assert_eq!(frames[0], "id: nonsense");
    assert!(frames[1].starts_with("data: {\"type\":\"connection\","), "{frames:?}");
    let gap = format!("data: {{\"reason\":\"invalid\",\"from\":\"nonsense\",\"to\":\"{EPOCH}-7\"}}");
    assert_eq!(frames[2..5], ["event: gap", &format!("id: {EPOCH}-7"), &gap]);
    assert_eq!(frames[5..], [format!("id: {EPOCH}-9").as_str(), "data: {\"n\":9}"]);
}

#[tokio::test]
async fn the_first_request_may_say_in_its_query_what_was_seen() {
    let (state, mut publisher) = found(7);
    publish(&mut publisher, &[("orders", 8), ("orders", 9)]);
    let address = served(&state).await;
    for query in ["lastEventId", "since"] {
        let target = format!("/api/sse/notifications?{query}={EPOCH}-8");
        let mut client = Client::ask(address, &target, "").await;
        let frames = frames(client.until("{\"n\":9}\n\n").await);
        assert_eq!(frames[0], format!("id: {EPOCH}-8"), "{query}");
        assert_eq!(frames[2..], [format!("id: {EPOCH}-9").as_str(), "data: {\"n\":9}"], "{query}");
        let mut client = Client::ask(address, &target, &format!("Last-Event-ID: {EPOCH}-9\r\n")).await;
        let received = client.until("\"connection\"").await;
        assert!(received.contains(&format!("id: {EPOCH}-9\ndata: {{\"type\":\"connection\"")), "{query}: {received}");
        publisher.flush();
    }
}

#[tokio::test]
async fn a_bad_cursor_is_a_status_for_those_who_can_read_it_and_a_gap_for_an_event_source() {
    let (state, _publisher) = found(7);
    let address = served(&state).await;
    let bad = "/api/sse/notifications?since=junk";
    let mut client = Client::ask(address, bad, "Connection: close\r\n").await;
    let received = client.end().await;
    assert!(received.starts_with("HTTP/1.1 400 ") && received.contains("\"field\":\"since\""), "{received}");
    for (target, headers) in [
        (bad, "Accept: text/event-stream\r\n"),
        ("/api/sse/notifications?lastEventId=junk", ""),
        ("/api/sse/notifications", "Last-Event-ID: junk\r\n"),
    ] {
        let mut client = Client::ask(address, target, headers).await;
        assert!(client.until("event: gap").await.starts_with("HTTP/1.1 200 "), "{target}");
    }
}

#[tokio::test]
async fn a_new_client_begins_where_the_feed_is() {
    let (state, mut publisher) = found(7);
    publish(&mut publisher, &[("orders", 8)]);
    let mut client = Client::stream(served(&state).await, "").await;
    client.until("\"connection\"").await;
    publish(&mut publisher, &[("orders", 9)]);
    let frames = frames(client.until("{\"n\":9}\n\n").await);
    assert_eq!(frames[0], format!("id: {EPOCH}-8"));
    assert_eq!(frames[2..], [format!("id: {EPOCH}-9").as_str(), "data: {\"n\":9}"]);
}

#[tokio::test]
async fn what_a_client_missed_comes_from_memory_without_the_store() {
    let (state, mut publisher) = found(7);
    publish(&mut publisher, &[("orders", 8), ("stock", 9), ("orders", 10)]);
    let mut client = Client::stream(served(&state).await, &format!("{EPOCH}-8")).await;
    let frames = frames(client.until("{\"n\":10}\n\n").await);
    assert_eq!(frames[0], format!("id: {EPOCH}-8"));
    assert_eq!(frames[2..], [format!("id: {EPOCH}-10").as_str(), "data: {\"n\":10}"]);
    assert_eq!(state.engine.statistics().resumed(Resume::Ring), 1);
}

#[tokio::test]
async fn a_stream_whose_history_cannot_be_read_is_sent_away() {
    let (state, _publisher) = found(7);
    let address = served(&state).await;
    for seen in [3, 99] {
        let mut client = Client::stream(address, &format!("{EPOCH}-{seen}")).await;
        assert!(frames(client.end().await).is_empty(), "behind {seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_a_turn_to_replay_is_sent_away_and_keeps_its_cursor() {
    let (state, _publisher) = found(7);
    let permits = u32::try_from(state.replays.available_permits()).unwrap();
    let _others = state.replays.clone().acquire_many_owned(permits).await.unwrap();
    let request = Request::get("/api/sse/notifications").header("last-event-id", format!("{EPOCH}-3"));
    let response = app(&state).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let grant = response.extensions().get::<Opening>().unwrap().take().unwrap();
    assert!(matches!(grant.start, Start::Away(CloseReason::Unavailable)), "{:?}", grant.start);
    assert!(grant.greeting.is_none() && grant.history.is_empty(), "nothing that has another id");
}
