//! Socket.IO through the server, by requests as a client sends them.

mod access;
mod client;
mod keys_away;

use std::{net::SocketAddr, time::Duration};

use realtime_access::limits::{LimitConfig, Limiter};
use realtime_chassis::redis::Connection;
use realtime_contract::Component;
use realtime_fanout::serve;
use realtime_socketio::Settings;
use serde_json::json;
use tokio::net::TcpListener;

use self::client::{Client, request};
use super::{
    stream::{EPOCH, found, publish},
    *,
};
use crate::fake_redis::FakeRedis;

/// A server of that state with that Redis.
async fn served(state: &ApiState, redis: &Connection, options: &[&str]) -> SocketAddr {
    served_by(state, &sockets(state, redis, options)).await
}

async fn served_by(state: &ApiState, sockets: &Sockets) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = RequestMetrics::register(&prometheus::Registry::new()).unwrap();
    let router = router(state.clone(), requests, sockets, cors("*").unwrap());
    let settings = serve::Settings { upgrade_paths: crate::socketio::paths(), ..serve::Settings::new(Vec::new(), 64) };
    serve::serve(listener, router, state.engine.clone(), settings, CancellationToken::new()).await;
    address
}

fn cursor(position: u64) -> String {
    format!("{EPOCH}-{position}")
}

fn recoveries(state: &ApiState, result: &str) -> u64 {
    state.metrics.recoveries.with_label_values(&[result]).get()
}

#[tokio::test]
async fn a_new_client_is_greeted_and_gets_what_comes_with_its_place() {
    let (state, mut publisher) = found(7);
    let (mut client, answer, connected, place) = Client::enter(served(&state, &away(), &[]).await, json!({})).await;
    assert!(answer["pid"].is_string());
    assert_eq!(connected["message"], "Connected to notifications");
    assert_eq!((&connected["id"], &connected["recovered"]), (&answer["sid"], &json!(false)));
    assert!(connected["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(place, cursor(7));
    publish(&mut publisher, &[("orders", 8)]);
    assert_eq!(client.event().await, ("notification".to_owned(), json!({ "n": 8 }), cursor(8)));
}

#[tokio::test]
async fn open_connections_are_counted_under_the_name_that_they_always_had() {
    let (state, _publisher) = found(7);
    let registry = prometheus::Registry::new();
    let sockets = sockets(&state, &away(), &[]);
    registry.register(Box::new(sockets.open_connections().unwrap())).unwrap();
    let gathered = || prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    assert!(gathered().contains("websocket_connections_total 0\n"));
    let address = served_by(&state, &sockets).await;
    let _in_no_namespace = Client::open(address).await;
    assert!(gathered().contains("websocket_connections_total 0\n"), "it is in no namespace");
    let _client = Client::enter(address, json!({})).await;
    assert!(gathered().contains("websocket_connections_total 1\n"), "{}", gathered());
}

#[tokio::test]
async fn until_the_feed_is_found_clients_come_back_later() {
    let (state, _publisher) = state();
    let address = served(&state, &away(), &[]).await;
    let (status, body) = request(address, "GET", "/api/websocket/health", "").await;
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(body, r#"{"status":"unhealthy","message":"WebSocket service not initialized"}"#);
}

#[tokio::test]
async fn messages_and_pings_are_answered_by_events_and_to_callbacks() {
    let (state, _publisher) = found(7);
    let (mut client, ..) = Client::enter(served(&state, &away(), &[]).await, json!({})).await;
    client.send(r#"42["message",{"a":1}]"#).await;
    let (name, data, place) = client.event().await;
    assert_eq!(
        (name.as_str(), &data["received"], &data["data"], place),
        ("message-ack", &json!(true), &json!({ "a": 1 }), cursor(7))
    );
    client.send(r#"42["ping"]"#).await;
    let (name, data, _) = client.event().await;
    assert_eq!(name, "pong");
    assert!(data["timestamp"].is_string());
    client.send(r#"425["ping"]"#).await;
    assert!(client.next().await.starts_with(r#"435[{"timestamp":""#));
    assert_eq!(client.event().await.0, "pong");
    client.send(r#"426["message"]"#).await;
    assert!(client.next().await.starts_with(r#"436[{"received":true,"data":null,"#));
}

#[tokio::test]
async fn a_client_hears_the_channels_that_it_asks_for() {
    let (state, mut publisher) = found(7);
    let (mut client, ..) = Client::enter(served(&state, &away(), &[]).await, json!({})).await;
    client.send(r#"421["unsubscribe","stock"]"#).await;
    assert!(client.next().await.starts_with(r#"431[{"status":"error","message":""#));
    client.send(r#"422["subscribe","orders"]"#).await;
    assert_eq!(client.next().await, r#"432[{"status":"ok","channels":["orders"]}]"#);
    publish(&mut publisher, &[("stock", 8), ("orders", 9)]);
    assert_eq!(client.event().await.1, json!({ "n": 9 }));
    client.send(r#"423["subscribe",["stock","orders"]]"#).await;
    assert_eq!(client.next().await, r#"433[{"status":"ok","channels":["orders","stock"]}]"#);
    client.send(r#"424["unsubscribe",["orders"]]"#).await;
    assert_eq!(client.next().await, r#"434[{"status":"ok","channels":["stock"]}]"#);
    publish(&mut publisher, &[("orders", 10), ("stock", 11)]);
    assert_eq!(client.event().await.1, json!({ "n": 11 }));
    client.send(r#"425["subscribe","a b"]"#).await;
    assert!(client.next().await.starts_with(r#"435[{"status":"error","message":"a channel's name "#));
}

#[tokio::test]
async fn what_changes_nothing_is_answered_and_not_written() {
    let (state, _publisher) = found(7);
    let mut redis = FakeRedis::start().await;
    let address = served(&state, &redis.connection(), &[]).await;
    let (mut client, ..) = Client::enter(address, json!({ "channels": ["orders"] })).await;
    redis.answered("SET").await;
    for (packet, answer) in [
        (r#"421["subscribe","orders"]"#, r#"431[{"status":"ok","channels":["orders"]}]"#),
        (r#"422["unsubscribe","stock"]"#, r#"432[{"status":"ok","channels":["orders"]}]"#),
        (r#"423["subscribe","stock"]"#, r#"433[{"status":"ok","channels":["orders","stock"]}]"#),
    ] {
        client.send(packet).await;
        assert_eq!(client.next().await, answer);
    }
    assert!(redis.answered("SET").await[2].contains("stock"));
}

#[tokio::test]
async fn a_client_of_quiet_channels_is_told_where_it_is_by_now() {
    let (state, mut publisher) = found(7);
    let (config, often) = (config(&[]), Duration::from_millis(100));
    let settings = Settings { ping_interval: often, keep_every: often, ..crate::socketio::settings(&config.sockets) };
    let address = served_by(&state, &sockets_with(settings, &config, &state, &away())).await;
    let (mut client, ..) = Client::enter(address, json!({ "channels": ["quiet"] })).await;
    publish(&mut publisher, &[("orders", 8), ("orders", 9)]);
    for _ in 0..64 {
        let packet = client.next().await;
        match packet.as_str() {
            "2" => client.send("3").await,
            // The first ping may have come before the two were published.
            packet if packet == format!("42[\"cursor\",\"{}\"]", cursor(9)) => return,
            packet => assert!(packet.starts_with("42[\"cursor\",\""), "{packet}"),
        }
    }
    panic!("it was told nothing but pings");
}

#[tokio::test]
async fn channels_that_are_none_are_refused_at_the_door() {
    let (state, _publisher) = found(7);
    let mut client = Client::open(served(&state, &away(), &[]).await).await;
    client.send(r#"40{"channels":7}"#).await;
    assert!(client.next().await.starts_with(r#"44{"message":"channels must be "#));
}

#[tokio::test]
async fn a_client_that_was_cut_off_gets_its_session_and_what_it_missed() {
    let (state, mut publisher) = found(7);
    let mut redis = FakeRedis::start().await;
    let address = served(&state, &redis.connection(), &[]).await;
    let (client, before, _, place) = Client::enter(address, json!({})).await;
    redis.answered("SET").await;
    client.send(r#"421["subscribe","orders"]"#).await;
    assert!(redis.answered("SET").await[2].contains("orders"));
    publish(&mut publisher, &[("orders", 8), ("stock", 9), ("orders", 10)]);
    // At another instance, with the same key.
    let address = served(&state, &redis.connection(), &[]).await;
    let auth = json!({ "pid": before["pid"], "offset": place });
    let (mut client, after, connected, place) = Client::enter(address, auth).await;
    assert_eq!((&after, &connected["recovered"], place), (&before, &json!(true), cursor(7)));
    assert_eq!(client.event().await, ("notification".to_owned(), json!({ "n": 8 }), cursor(8)));
    assert_eq!(client.event().await, ("notification".to_owned(), json!({ "n": 10 }), cursor(10)));
    assert_eq!(recoveries(&state, "recovered"), 1);
}

#[tokio::test]
async fn a_session_that_was_left_on_purpose_is_gone() {
    let (state, _publisher) = found(7);
    let mut redis = FakeRedis::start().await;
    let address = served(&state, &redis.connection(), &[]).await;
    let (client, before, _, place) = Client::enter(address, json!({})).await;
    redis.answered("SET").await;
    client.send("41").await;
    redis.answered("DEL").await;
    let (_, after, connected, _) = Client::enter(address, json!({ "pid": before["pid"], "offset": place })).await;
    assert_ne!(after["pid"], before["pid"]);
    assert_ne!(after["sid"], before["sid"]);
    assert_eq!(connected["recovered"], false);
    assert_eq!(recoveries(&state, "expired"), 1);
}

#[tokio::test]
async fn without_its_session_a_client_goes_on_behind_its_cursor() {
    let (state, mut publisher) = found(7);
    publish(&mut publisher, &[("orders", 8), ("stock", 9), ("orders", 10)]);
    let address = served(&state, &away(), &[]).await;
    let auth = json!({ "pid": "junk", "offset": cursor(8), "resume": cursor(8), "channels": ["orders"] });
    let (mut client, _, connected, place) = Client::enter(address, auth).await;
    assert_eq!((&connected["recovered"], place), (&json!(false), cursor(8)));
    assert_eq!(client.event().await, ("notification".to_owned(), json!({ "n": 10 }), cursor(10)));
    assert_eq!(recoveries(&state, "resumed"), 1);
}

#[tokio::test]
async fn a_client_whose_session_cannot_be_found_begins_anew_and_the_reason_is_counted() {
    let (state, mut publisher) = found(7);
    publish(&mut publisher, &[("orders", 8)]);
    let address = served(&state, &away(), &[]).await;
    let (_, before, ..) = Client::enter(address, json!({})).await;
    for (pid, result) in [(&json!("junk"), "invalid"), (&before["pid"], "unavailable")] {
        let (_, _, connected, place) = Client::enter(address, json!({ "pid": pid, "offset": cursor(7) })).await;
        assert_eq!((&connected["recovered"], place), (&json!(false), cursor(8)), "{result}");
        assert_eq!(recoveries(&state, result), 1);
    }
}

#[tokio::test]
async fn a_session_with_a_gap_is_a_new_one_that_is_told_of_the_gap() {
    let (state, mut publisher) = found(7);
    let mut redis = FakeRedis::start().await;
    let address = served(&state, &redis.connection(), &[]).await;
    let (_, before, ..) = Client::enter(address, json!({ "channels": ["orders"] })).await;
    redis.answered("SET").await;
    let foreign = format!("{}-3", uuid::Uuid::from_u128(8));
    let auth = json!({ "pid": before["pid"], "offset": foreign });
    let (mut client, after, connected, place) = Client::enter(address, auth).await;
    assert_ne!((&after["sid"], &after["pid"]), (&before["sid"], &before["pid"]));
    assert_eq!((&connected["recovered"], &place), (&json!(false), &foreign), "cut off now, it would be told again");
    let gap = json!({ "reason": "epoch", "from": foreign, "to": cursor(7) });
    assert_eq!(client.event().await, ("gap".to_owned(), gap, cursor(7)));
    publish(&mut publisher, &[("stock", 8), ("orders", 9)]);
    assert_eq!(client.event().await.1, json!({ "n": 9 }), "its channels are those of its session");
    assert_eq!(recoveries(&state, "gap"), 1);
}

/// A client in the namespace `/demo` that was told that it is connected.
async fn enter_demo(address: SocketAddr) -> Client {
    let mut client = Client::open(address).await;
    client.send("40/demo,").await;
    assert!(client.next().await.starts_with(r#"40/demo,{"sid":""#));
    assert_eq!(client.next().await, r#"42/demo,["connectionStatus","connected"]"#);
    client
}

#[tokio::test]
async fn the_demo_answers_pings_up_to_its_limit() {
    let (state, _publisher) = found(7);
    let address = served(&state, &away(), &["--demo-pings", "2"]).await;
    let mut client = enter_demo(address).await;
    client.send(r#"42/demo,["ping"]"#).await;
    client.send(r#"42/demo,7["ping"]"#).await;
    let answer = client.next().await;
    let answer: Value = serde_json::from_str(answer.strip_prefix("43/demo,7").unwrap()).unwrap();
    assert_eq!(answer[0]["status"], "ok");
    assert!(answer[0]["timestamp"].is_u64() && answer[0]["serverTime"].is_u64(), "{answer}");
    client.send(r#"42/demo,8["ping"]"#).await;
    assert_eq!(client.next().await, r#"42/demo,["error",{"message":"Ping limit exceeded","code":"PING_LIMIT"}]"#);
    assert_eq!(client.next().await, r#"42/demo,["connectionStatus","disconnected"]"#);
    assert_eq!(client.next().await, "41/demo,");
}

#[tokio::test]
async fn the_demo_takes_so_many_connections_of_an_address_and_shows_them() {
    let (state, _publisher) = found(7);
    let address = served(&state, &away(), &["--demo-connections-per-address", "2", "--demo-show-addresses"]).await;
    let (first, _second) = (enter_demo(address).await, enter_demo(address).await);
    let mut third = Client::open(address).await;
    third.send("40/demo,").await;
    assert_eq!(third.next().await, r#"44/demo,{"message":"Too many connections from this IP"}"#);
    let (status, body) = request(address, "GET", "/api/websocket/health", "").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(
        body.starts_with(r#"{"status":"healthy","connections":2,"connectionsByIP":{"127.0.0.1":2},"timestamp":"#),
        "{body}"
    );
    first.send("41/demo,").await;
    enter_demo(address).await;
}

#[tokio::test]
async fn who_enters_the_demo_counts_for_the_limit_of_its_address() {
    let (mut state, _publisher) = found(7);
    let limits = LimitConfig { address: Some("0.001/2".parse().unwrap()), ..LimitConfig::default() };
    state.limiter = Limiter::new(limits, Component::Api, None, &prometheus::Registry::new()).unwrap();
    let address = served(&state, &away(), &[]).await;
    let _entered = (enter_demo(address).await, enter_demo(address).await);
    let third = Client::open(address).await;
    third.send("40/demo,").await;
    let end = third.last().await;
    assert!(end == "1" || end.contains("Session ID unknown"), "{end}");
}

#[tokio::test]
async fn addresses_are_counted_where_they_may_not_be_shown() {
    let (state, _publisher) = found(7);
    let address = served(&state, &away(), &[]).await;
    let _client = enter_demo(address).await;
    let (_, body) = request(address, "GET", "/api/websocket/health", "").await;
    assert!(body.starts_with(r#"{"status":"healthy","connections":1,"connectionsByIP":1,"timestamp":"#), "{body}");
}
