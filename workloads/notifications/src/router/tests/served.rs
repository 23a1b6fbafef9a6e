//! Streams through the server, with real sockets.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use realtime_access::{Access, AccessConfig, Auth, Scope};
use realtime_contract::channel::Pattern;
use realtime_fanout::serve;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::*;

async fn served(state: &ServiceState, connections: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = serve::Settings::new(vec![STREAM.to_owned()], connections);
    let requests = RequestMetrics::register(&Registry::new()).unwrap();
    let router = router(state.clone(), requests, cors("*").unwrap());
    serve::serve(listener, router, state.engine.clone(), settings, CancellationToken::new()).await;
    address
}

/// What comes, until it has that text or ends.
async fn until(socket: &mut TcpStream, end: &str) -> String {
    let (mut received, mut buffer) = (String::new(), [0; 4096]);
    while end.is_empty() || !received.contains(end) {
        let read = timeout(Duration::from_secs(10), socket.read(&mut buffer)).await;
        let length = read.unwrap_or_else(|_| panic!("only this came: {received}")).unwrap();
        if length == 0 {
            break;
        }
        received.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    received
}

async fn asked(address: SocketAddr, target: &str, headers: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: stream\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

/// A ticket that ends in that many seconds, and whom it is asked from.
fn asking(seconds: i64) -> (ServiceState, String) {
    let secret = Some("0123456789abcdef0123456789abcdef".to_owned().into());
    let config =
        AccessConfig { auth: Auth::Jwt, jwt_secret: secret, jwt_leeway_seconds: Some(0), ..AccessConfig::default() };
    let gate = Gate::start(&config, b"0123456789abcdef", CancellationToken::new()).unwrap();
    let now = jiff::Timestamp::now();
    let expires = Some(now + jiff::SignedDuration::from_secs(seconds));
    let (subscribe, publish) = (Scope::Patterns([Pattern::new("*").unwrap()].into()), Scope::Patterns(BTreeSet::new()));
    let access = Access { user: Some("7".into()), subscribe, publish, expires };
    let ticket = gate.ticket(&access, now).unwrap().text;
    (state_with(gate, Limiter::none()), ticket)
}

#[tokio::test]
async fn a_stream_tells_that_its_token_ends_and_ends_with_it() {
    let (state, ticket) = asking(3);
    state.engine.open();
    let address = served(&state, 16).await;
    let begun = Instant::now();
    let mut socket = asked(address, &format!("{STREAM}?ticket={ticket}"), "Accept: text/event-stream\r\n").await;
    let received = until(&mut socket, "").await;
    assert!(begun.elapsed() > Duration::from_secs(1), "it ended at once: {received}");
    let place = state.codec.encode(&Vector::from_iter([(Lane(0), 7)]));
    let (greeting, notice) = received
        .split_once(&format!("id: {place}\nevent: expiring\ndata: "))
        .unwrap_or_else(|| panic!("no notice with the place {place}: {received}"));
    assert!(greeting.contains("\"connection\""), "{greeting}");
    let (notice, end) = notice.split_once("\n\n").unwrap();
    let notice: Value = serde_json::from_str(notice).unwrap();
    assert!(notice["expiresAt"].as_str().is_some_and(|time| time.ends_with(".000Z")), "{notice}");
    let end = end.rsplit_once("\n\n").map_or(end, |(_, end)| end);
    let retry: u64 = end.lines().find_map(|line| line.strip_prefix("retry: ")).unwrap().parse().unwrap();
    assert!((1_000..=5_000).contains(&retry), "{end}");
    assert!(!end.contains("id:"), "the client keeps the id that it has: {end}");
    state.engine.ended().await;
    assert_eq!(state.engine.statistics().closed(CloseReason::Expired), 1);

    // With the same ticket it is told to stop.
    let headers = "Accept: text/event-stream\r\nConnection: close\r\n";
    let again = until(&mut asked(address, &format!("{STREAM}?ticket={ticket}"), headers).await, "").await;
    assert!(again.starts_with("HTTP/1.1 204 "), "{again}");
}

#[tokio::test]
async fn an_instance_that_still_starts_or_is_full_sends_streams_away() {
    for (opened, connections, reason) in [(false, 16, CloseReason::Unavailable), (true, 1, CloseReason::Limited)] {
        let state = state();
        if opened {
            state.engine.open();
        }
        let address = served(&state, connections).await;
        let mut first = asked(address, STREAM, "Accept: text/event-stream\r\n").await;
        if opened {
            until(&mut first, "\"connection\"").await;
        }
        let mut away = asked(address, STREAM, "Accept: text/event-stream\r\n").await;
        let received = until(&mut away, "").await;
        let (head, body) = received.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("access-control-allow-origin: *"), "{head}");
        let retry: u64 = body.trim_end().strip_prefix("retry: ").unwrap().parse().unwrap();
        assert!((5_000..=15_000).contains(&retry), "{reason:?}: {body}");
        if opened {
            let told = until(&mut asked(address, STREAM, "Connection: close\r\n").await, "").await;
            assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("retry-after: "), "{told}");
            assert!(told.contains("as many connections are open as this instance takes"), "{told}");
        }
    }
}
