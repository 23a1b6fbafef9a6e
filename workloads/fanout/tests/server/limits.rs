//! What clients are told when there is no more room.

use std::time::Duration;

use realtime_fanout::{Settings, serve};
use tokio::time::timeout;
use tower_http::cors::{Any, CorsLayer};

use super::{
    client::{Client, Http2, ODD, PLAIN, events},
    world::{World, limits, routes},
};

/// A request of a client that is no EventSource.
fn without_accept(request: &str) -> String {
    request.replace("Accept: text/event-stream\r\n", "Connection: close\r\n")
}

async fn a_limit_is_told_and_ends(world: World) {
    for request in [PLAIN, ODD] {
        let stream = Client::stream(world.address, request).await;
        world.until_open(1).await;
        for request in [PLAIN, ODD] {
            let mut refused = Client::request(world.address, request).await;
            let delay = refused.retry().await;
            assert!((5000..15_000).contains(&delay.as_millis()), "{delay:?}");
            let head = String::from_utf8_lossy(&refused.received).to_ascii_lowercase();
            assert!(head.contains("access-control-allow-origin: *\r\n"), "{head}");

            let answer = Client::request(world.address, &without_accept(request)).await.rest().await;
            assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
            assert!(answer.contains("\r\nretry-after: ") && answer.contains("application/problem+json"), "{answer}");
            assert!(answer.contains(r#""status":503"#), "{answer}");
            assert!(answer.contains("access-control-allow-origin: *\r\n"), "{answer}");
        }
        drop(stream);
        world.until_open(0).await;
    }
    world.end().await;
}

#[tokio::test]
async fn the_router_refuses_what_is_too_much() {
    a_limit_is_told_and_ends(World::with(limits(1), Settings::default()).await).await;
}

#[tokio::test]
async fn the_server_refuses_what_is_too_much_when_the_router_does_not() {
    let router = routes().layer(CorsLayer::new().allow_origin(Any));
    a_limit_is_told_and_ends(World::of(router, limits(1), Settings::default()).await).await;
}

#[tokio::test]
async fn streams_of_http_2_count_one_by_one() {
    let world = World::with(limits(1), Settings::default()).await;
    let mut http2 = Http2::connect(world.address).await;
    let mut first = http2.get("/events/stream").await;
    events(&mut first, 1).await;
    let second = http2.get("/events/stream").await;
    assert_eq!(second.status(), 200);
    let told = http_body_util::BodyExt::collect(second.into_body()).await.unwrap().to_bytes();
    assert!(told.starts_with(b"retry: "), "{told:?}");
    drop((first, http2));
    world.end().await;
}

#[tokio::test]
async fn each_client_behind_a_trusted_proxy_has_places_of_its_own() {
    let trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let settings = serve::Settings { per_address: Some(1), trusted, ..limits(10) };
    let world = World::with(settings, Settings::default()).await;
    let of = |client: &str| PLAIN.replace("\r\n\r\n", &format!("\r\nX-Forwarded-For: 10.9.9.9, {client}\r\n\r\n"));
    let first = Client::stream(world.address, &of("192.0.2.1")).await;
    Client::request(world.address, &of("192.0.2.1")).await.retry().await;
    let second = Client::stream(world.address, &of("192.0.2.2")).await;
    drop((first, second));
    world.end().await;
}

#[tokio::test]
async fn sockets_beyond_the_bound_wait_until_others_end() {
    let settings = serve::Settings { head_time: Duration::from_secs(60), ..limits(0) };
    let world = World::with(settings, Settings::default()).await;
    let mut silent = Vec::new();
    for _ in 0..256 {
        silent.push(Client::connect(world.address).await);
    }
    let request = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut waits = Client::request(world.address, request).await;
    let early = timeout(Duration::from_millis(100), waits.socket.readable()).await;
    assert!(early.is_err(), "it was accepted beyond the bound");
    silent.pop();
    assert!(waits.rest().await.ends_with("well"));
    drop(silent);
    world.end().await;
}
