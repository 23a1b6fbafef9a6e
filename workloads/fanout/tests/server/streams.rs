//! What comes out of a stream.

use http_body_util::BodyExt as _;
use realtime_fanout::{CloseReason, Path, Settings, Statistics};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::timeout;

use super::{
    client::{Client, Http2, ODD, PLAIN, events},
    world::{PATIENCE, World, limits},
};

/// Open streams by path.
fn active(statistics: &Statistics) -> [u64; 2] {
    [Path::Raw, Path::Hyper].map(|path| statistics.by_path[path as usize].active)
}

#[tokio::test]
async fn the_plain_way_and_both_ways_of_hyper_give_the_same() {
    let mut world = World::new().await;
    let mut raw = Client::stream(world.address, PLAIN).await;
    let mut odd = Client::stream(world.address, ODD).await;
    let mut http2 = Http2::connect(world.address).await.get("/events/stream").await;
    world.until(|statistics| active(statistics) == [1, 2]).await;
    for length in [0, 10, 100_000, 3] {
        world.publish("orders", length);
    }
    let all = events(&mut http2, 5).await;
    for event in &all[1..] {
        assert_eq!(raw.event().await, *event);
        assert_eq!(odd.event().await, *event);
    }
    assert_eq!(all[4].id, "c4");
    assert!(all[4].data.contains(r#""number":3"#), "{}", all[4].data);
    drop((raw, odd, http2));
    world.until_open(0).await;
    world.end().await;
}

#[tokio::test]
async fn both_ways_answer_with_the_same_header_fields() {
    let world = World::new().await;
    let mut heads = Vec::new();
    for request in [PLAIN, ODD] {
        let client = Client::stream(world.address, request).await;
        let text = String::from_utf8_lossy(&client.received).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        let of_connection = ["connection:", "transfer-encoding:", "date:"];
        let mut fields: Vec<String> = head.lines().map(str::to_owned).collect();
        assert!(fields.iter().any(|field| field.starts_with("date: ")), "{head}");
        fields.retain(|field| !of_connection.iter().any(|name| field.starts_with(name)));
        fields.sort();
        heads.push(fields);
    }
    assert_eq!(heads[0], heads[1]);
    world.end().await;
}

#[tokio::test]
async fn filters_hold_on_both_ways() {
    let mut world = World::new().await;
    let wish = |request: &str| request.replace("/events/stream", "/events/stream?channel=orders");
    let mut raw = Client::stream(world.address, &wish(PLAIN)).await;
    let mut odd = Client::stream(world.address, &wish(ODD)).await;
    world.until_open(2).await;
    world.publish("stock", 0);
    world.publish("orders", 0);
    for client in [&mut raw, &mut odd] {
        let event = client.event().await;
        assert!(event.data.contains(r#""number":1"#), "{}", event.data);
        assert_eq!(event.id, "c2", "the cursor covers what was filtered out");
    }
    drop((raw, odd));
    world.end().await;
}

#[tokio::test]
async fn a_head_may_come_byte_by_byte() {
    let world = World::new().await;
    let mut client = Client::connect(world.address).await;
    client.socket.set_nodelay(true).unwrap();
    for byte in PLAIN.bytes() {
        client.send(std::str::from_utf8(&[byte]).unwrap()).await;
        tokio::task::yield_now().await;
    }
    client.event().await;
    world.until(|statistics| active(statistics) == [1, 0]).await;
    drop(client);
    world.end().await;
}

#[tokio::test]
async fn a_second_request_behind_the_first_is_not_taken_for_anything_else() {
    let mut world = World::new().await;
    let both = format!("{PLAIN}GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut client = Client::stream(world.address, &both).await;
    world.until(|statistics| active(statistics) == [0, 1]).await;
    world.publish("orders", 0);
    assert!(client.event().await.data.contains(r#""number":0"#));
    assert!(!String::from_utf8_lossy(&client.received).contains("well"));
    drop(client);
    world.end().await;
}

#[tokio::test]
async fn other_requests_are_answered_and_the_connection_stays() {
    let world = World::new().await;
    let mut client = Client::connect(world.address).await;
    for count in 1..=2 {
        client.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await;
        while String::from_utf8_lossy(&client.received).matches("well").count() < count {
            assert!(client.read().await, "the connection ended");
        }
    }
    drop(client);
    world.end().await;
}

#[tokio::test]
async fn an_answer_that_is_no_stream_has_its_length_and_ends() {
    let world = World::new().await;
    let request = PLAIN.replace("/events/stream", "/events/stream?bad=because");
    let answer = Client::request(world.address, &request).await.rest().await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-length: 7\r\n") && answer.ends_with("\r\n\r\nbecause"), "{answer}");
    assert_eq!(world.engine.statistics().opened(), 0);
    world.end().await;
}

#[tokio::test]
async fn a_request_for_the_head_alone_opens_no_stream() {
    let world = World::new().await;
    let request = "HEAD /events/stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = Client::request(world.address, request).await.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(world.engine.statistics().opened(), 0);
    world.end().await;
}

#[tokio::test]
async fn a_malformed_request_is_refused() {
    let world = World::new().await;
    let answer = Client::request(world.address, "GET /events/stream HTTP/1.1\r\nHost : a\r\n\r\n").await.rest().await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    world.end().await;
}

/// Events that no buffer of this machine holds.
const EVENTS: u64 = 600;
const LENGTH: usize = 30_000;

async fn a_client_that_does_not_read_is_cut_while_others_lose_nothing(request: &str) {
    let engine = Settings { shards: 1, queue_bytes: 256 * 1024, ..Settings::default() };
    let mut world = World::with(limits(10), engine).await;
    let mut slow = Client::with_small_buffer(world.address).await;
    slow.send(request).await;
    let mut fast = Client::stream(world.address, request).await;
    world.until_open(2).await;
    for number in 0..EVENTS {
        world.publish("orders", LENGTH);
        let event = fast.event().await;
        assert!(
            event.data.starts_with(&format!(r#"{{"number":{number},"#)),
            "{number}: {:.60} {:?}",
            event.data,
            world.engine.statistics()
        );
        // What was read is not needed again.
        fast.forget();
    }
    world.until(|statistics| statistics.closed(CloseReason::Slow) == 1).await;
    let statistics = world.engine.statistics();
    assert_eq!(statistics.connections(), 1);
    assert_eq!(statistics.queued(), 0);
    assert_eq!(CloseReason::ALL.map(|reason| statistics.closed(reason)).iter().sum::<u64>(), 1, "{statistics:?}");
    let read = slow.rest().await.len();
    assert!(read < LENGTH * 300, "{read} bytes waited for a client that reads nothing");
    drop(fast);
    world.end().await;
}

/// The others hear little, so that the machine can serve so many; the slow client hears everything.
#[tokio::test]
async fn a_client_that_reads_nothing_disturbs_none_of_a_thousand_others() {
    const OTHERS: usize = 1000;
    const FEW: &str = "GET /events/stream?channel=orders HTTP/1.1\r\nHost: a\r\n\r\n";
    // Both ends of each connection are here, and many systems begin with a limit of 1,024 files.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }).unwrap();
    let mut world = World::with(limits(OTHERS + 10), Settings { shards: 2, ..Settings::default() }).await;
    let mut slow = Client::with_small_buffer(world.address).await;
    slow.send(PLAIN).await;
    let mut others = Vec::new();
    for _ in 0..OTHERS {
        others.push(Client::stream(world.address, FEW).await);
    }
    world.until_open(OTHERS as u64 + 1).await;
    let orders: Vec<u64> = (0..EVENTS).filter(|number| number % 60 == 0).collect();
    for number in 0..EVENTS {
        let (channel, length) = if orders.contains(&number) { ("orders", 100) } else { ("stock", LENGTH) };
        world.publish(channel, length);
    }
    world.until(|statistics| statistics.closed(CloseReason::Slow) == 1).await;
    for (place, other) in others.iter_mut().enumerate() {
        for number in &orders {
            let event = other.event().await;
            assert!(event.data.starts_with(&format!(r#"{{"number":{number},"#)), "client {place}: {:.60}", event.data);
        }
    }
    assert_eq!(world.engine.statistics().connections(), OTHERS as u64);
    drop((slow, others));
    world.end().await;
}

#[tokio::test]
async fn a_slow_client_of_a_socket_is_cut_while_others_lose_nothing() {
    a_client_that_does_not_read_is_cut_while_others_lose_nothing(PLAIN).await;
}

#[tokio::test]
async fn a_slow_client_of_hyper_is_cut_while_others_lose_nothing() {
    a_client_that_does_not_read_is_cut_while_others_lose_nothing(ODD).await;
}

#[tokio::test]
async fn a_slow_stream_of_http_2_is_cut_while_the_others_of_its_connection_lose_nothing() {
    let mut world = World::with(limits(10), Settings { shards: 1, ..Settings::default() }).await;
    let mut http2 = Http2::connect(world.address).await;
    let slow = http2.get("/events/stream").await;
    let mut fast = http2.get("/events/stream").await;
    events(&mut fast, 1).await;
    world.until_open(2).await;
    for number in 0..EVENTS {
        world.publish("orders", LENGTH);
        let event = events(&mut fast, 1).await.remove(0);
        assert!(event.data.starts_with(&format!(r#"{{"number":{number},"#)), "{number}: {:.60}", event.data);
    }
    world.until(|statistics| statistics.closed(CloseReason::Slow) == 1).await;
    assert_eq!(world.engine.statistics().connections(), 1);
    let rest = timeout(PATIENCE, slow.into_body().collect()).await.expect("the stream stays open");
    assert!(rest.is_err(), "a stream that was cut looks as if it were whole");
    drop((fast, http2));
    world.end().await;
}

#[tokio::test]
async fn a_client_that_reads_late_but_within_bounds_gets_everything() {
    for request in [PLAIN, ODD] {
        let engine = Settings { shards: 1, queue_bytes: 8 * 1024 * 1024, ..Settings::default() };
        let mut world = World::with(limits(10), engine).await;
        let mut client = Client::with_small_buffer(world.address).await;
        client.send(request).await;
        world.until_open(1).await;
        for _ in 0..200 {
            world.publish("orders", LENGTH);
        }
        world.until(|statistics| statistics.delivered() == 200).await;
        client.event().await;
        for number in 0..200 {
            let event = client.event().await;
            assert!(
                event.data.starts_with(&format!(r#"{{"number":{number},"#)),
                "{number}: {:.60} {:?}",
                event.data,
                world.engine.statistics()
            );
        }
        world.until(|statistics| statistics.queued() == 0).await;
        drop(client);
        world.end().await;
    }
}
