//! Socket.IO through the server, by requests as a client sends them.

mod access;
mod client;
mod demo;
mod keys_away;
mod recovery;

use std::{net::SocketAddr, time::Duration};

use realtime_chassis::redis::Connection;
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

/// A client in the namespace `/demo` that was told that it is connected.
async fn enter_demo(address: SocketAddr) -> Client {
    let mut client = Client::open(address).await;
    client.send("40/demo,").await;
    assert!(client.next().await.starts_with(r#"40/demo,{"sid":""#));
    assert_eq!(client.next().await, r#"42/demo,["connectionStatus","connected"]"#);
    client
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
    let (mut client, ..) = Client::enter(address, json!({})).await;
    assert!(gathered().contains("websocket_connections_total 1\n"), "{}", gathered());
    client.send("41").await;
    // What is said next is answered behind it.
    client.send("40/nowhere,").await;
    assert!(client.next().await.starts_with("44/nowhere,"));
    assert!(gathered().contains("websocket_connections_total 0\n"), "{}", gathered());
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
