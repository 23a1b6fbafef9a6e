//! How connections end.

use std::time::Duration;

use realtime_fanout::{CloseReason, Settings, serve};
use socket2::SockRef;
use tokio::time::timeout;

use super::{
    client::{Client, Http2, ODD, PLAIN, events},
    world::{PATIENCE, World, limits},
};

#[tokio::test]
async fn clients_that_come_and_go_leave_nothing() {
    let mut world = World::with(limits(64), Settings { shards: 2, ..Settings::default() }).await;
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..20 {
        let mut clients = Vec::new();
        for number in 0..20 {
            let request = if number % 2 == 0 { PLAIN } else { ODD };
            let mut client = Client::connect(world.address).await;
            match random.u8(0..4) {
                0 => client.send(&request[..random.usize(0..request.len())]).await,
                1 => client.send(request).await,
                2 => {
                    client.send(request).await;
                    // Dropped, it resets the connection.
                    SockRef::from(&client.socket).set_linger(Some(Duration::ZERO)).unwrap();
                }
                _ => client = Client::stream(world.address, request).await,
            }
            clients.push(client);
        }
        world.publish("orders", 1000 * round);
        drop(clients);
    }
    world.until_open(0).await;
    assert_eq!(world.engine.statistics().queued(), 0);
    // Every place is free again.
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(Client::stream(world.address, PLAIN).await);
    }
    drop(streams);
    world.end().await;
}

#[tokio::test]
async fn a_drain_tells_every_client_to_come_back() {
    let world = World::new().await;
    let mut clients = Vec::new();
    for number in 0..20 {
        clients.push(Client::stream(world.address, if number % 2 == 0 { PLAIN } else { ODD }).await);
    }
    let mut http2 = Http2::connect(world.address).await;
    let mut response = http2.get("/events/stream").await;
    events(&mut response, 1).await;
    world.engine.drain(Duration::from_millis(200));
    world.token.cancel();
    for client in &mut clients {
        let delay = client.retry().await;
        assert!((1000..5000).contains(&delay.as_millis()), "{delay:?}");
    }
    let rest = http_body_util::BodyExt::collect(response.into_body());
    let rest = timeout(PATIENCE, rest).await.expect("the stream does not end").unwrap().to_bytes();
    assert!(rest.starts_with(b"retry: "), "{rest:?}");
    drop((clients, http2));
    timeout(PATIENCE, world.server).await.expect("the server does not end").unwrap();
    let statistics = world.engine.statistics();
    assert_eq!((statistics.connections(), statistics.closed(CloseReason::Draining)), (0, 21));
}

#[tokio::test]
async fn a_server_that_ends_finishes_requests_and_waits_for_no_idle_connection() {
    let world = World::new().await;
    let mut silent = Client::connect(world.address).await;
    let mut idle = Client::request(world.address, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await;
    while !idle.received.ends_with(b"well") {
        assert!(idle.read().await);
    }
    world.token.cancel();
    timeout(PATIENCE, world.server).await.expect("the server does not end").unwrap();
    assert_eq!(silent.rest().await, "");
    idle.rest().await;
    assert!(tokio::net::TcpStream::connect(world.address).await.is_err(), "it still accepts");
}

fn hasty() -> serve::Settings {
    serve::Settings { head_time: Duration::from_millis(100), ..limits(10) }
}

#[tokio::test]
async fn a_client_that_does_not_say_what_it_wants_is_not_waited_for() {
    let world = World::with(hasty(), Settings::default()).await;
    for beginning in ["", "GET /events/stream HTTP/1.1\r\nHost:", "PRI * HTTP/2.0\r\n", "POST /health HTTP/1.1\r\n"] {
        let mut client = Client::request(world.address, beginning).await;
        let answer = client.rest().await;
        assert!(!answer.contains("200 OK"), "{beginning:?}: {answer}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_client_that_sends_one_byte_at_a_time_gets_no_more_time() {
    let world = World::with(hasty(), Settings::default()).await;
    let mut client = Client::request(world.address, "GET /events/stream HTTP/1.1\r\nHost: a\r\nX: ").await;
    let (mut reading, mut writing) = client.socket.split();
    let drip = async {
        while tokio::io::AsyncWriteExt::write_all(&mut writing, b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let mut answer = Vec::new();
    let end = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut answer);
    let ended = timeout(PATIENCE, async {
        tokio::select! {
            () = drip => {}
            // A reset is an end, too.
            _ended = end => {}
        }
    });
    ended.await.expect("the connection does not end");
    assert_eq!(answer, b"");
    world.end().await;
}

#[tokio::test]
async fn a_stream_outlives_the_time_for_its_head() {
    let mut world = World::with(hasty(), Settings::default()).await;
    let mut clients = [Client::stream(world.address, PLAIN).await, Client::stream(world.address, ODD).await];
    // It is over when this one is closed.
    Client::connect(world.address).await.rest().await;
    world.publish("orders", 0);
    for client in &mut clients {
        client.event().await;
    }
    drop(clients);
    world.end().await;
}

#[tokio::test]
async fn a_client_that_does_not_stop_talking_is_closed() {
    let world = World::new().await;
    let mut client = Client::stream(world.address, PLAIN).await;
    let talk = "x".repeat(16 * 1024);
    let talking =
        async { while tokio::io::AsyncWriteExt::write_all(&mut client.socket, talk.as_bytes()).await.is_ok() {} };
    timeout(PATIENCE, talking).await.expect("it may talk forever");
    world.until(|statistics| statistics.closed(CloseReason::Gone) == 1).await;
    world.end().await;
}

#[tokio::test]
async fn the_end_of_one_stream_of_http_2_leaves_the_others() {
    let mut world = World::new().await;
    let mut http2 = Http2::connect(world.address).await;
    let first = http2.get("/events/stream").await;
    let mut second = http2.get("/events/stream").await;
    world.until_open(2).await;
    drop(first);
    world.until_open(1).await;
    world.publish("orders", 0);
    assert!(events(&mut second, 2).await[1].data.contains(r#""number":0"#));
    drop((http2, second));
    world.end().await;
}
