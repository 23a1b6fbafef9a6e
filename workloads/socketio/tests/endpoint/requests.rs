//! What requests are answered.

use std::{io::Write as _, time::Duration};

use realtime_socketio::{Settings, Transport, statistics::Violation};

use super::{
    client::{Polling, Socket, ask, begin, connect, finish, packets, session_id},
    world::World,
};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

fn problem(code: u8, message: &str) -> String {
    format!(r#"{{"code":{code},"message":"{message}"}}"#)
}

#[test]
fn a_session_begins_with_what_the_client_must_know() {
    let world = World::new();
    for target in [POLLING, "/socket.io?EIO=4&transport=polling&t=abc"] {
        let answer = ask(world.address, "GET", target, "");
        let [open] = &*packets(&answer) else { panic!("{answer:?}") };
        assert!(
            open.contains(r#""upgrades":["websocket"],"pingInterval":25000,"pingTimeout":60000,"maxPayload":131072"#)
        );
        assert_eq!(session_id(open).len(), 30);
    }
}

#[test]
fn a_bad_request_is_told_what_is_bad() {
    let world = World::new();
    for (method, target, code, message) in [
        ("GET", "/socket.io/?EIO=4", 0, "Transport unknown"),
        ("GET", "/socket.io/?EIO=4&transport=abc", 0, "Transport unknown"),
        ("GET", "/socket.io/?EIO=4&transport=polling&sid=abc", 1, "Session ID unknown"),
        ("GET", "/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1, "Session ID unknown"),
        ("POST", "/socket.io/?EIO=4&transport=polling&sid=__________AAAAAAAAAAAAAAAAAAAA", 1, "Session ID unknown"),
        ("POST", POLLING, 2, "Bad handshake method"),
        ("PUT", POLLING, 2, "Bad handshake method"),
        ("GET", "/socket.io/?EIO=4&transport=websocket", 3, "Bad request"),
        ("GET", "/socket.io/?EIO=4&transport=polling&j=0", 3, "Bad request"),
        ("GET", "/socket.io/?transport=polling", 5, "Unsupported protocol version"),
        ("GET", "/socket.io/?EIO=3&transport=polling", 5, "Unsupported protocol version"),
    ] {
        let answer = ask(world.address, method, target, "");
        assert_eq!((answer.status, answer.body), (400, problem(code, message)), "{method} {target}");
    }
    let answer = ask(world.address, "HEAD", POLLING, "");
    assert_eq!(answer.status, 400);
}

#[test]
fn a_bad_request_for_a_websocket_gets_none() {
    let world = World::new();
    for (query, code) in [
        ("EIO=4&transport=abc", 0),
        ("EIO=4", 0),
        ("EIO=abc&transport=websocket", 5),
        ("transport=websocket", 5),
        ("EIO=4&transport=polling", 3),
        ("EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1),
    ] {
        let Err(answer) = Socket::try_open(world.address, &format!("/socket.io/?{query}")) else { panic!("{query}") };
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.starts_with(&format!(r#"{{"code":{code},"#)), "{query}: {answer:?}");
    }
}

#[test]
fn who_knows_only_where_a_session_is_cannot_speak_for_it() {
    let world = World::new();
    let client = Polling::enter(&world);
    let guess = format!("{POLLING}&sid={}AAAAAAAAAAAAAAAA", &client.id[..14]);
    for method in ["GET", "POST"] {
        let answer = ask(world.address, method, &guess, "1");
        assert_eq!((answer.status, answer.body), (400, problem(1, "Session ID unknown")));
    }
    client.says(r#"42["back"]"#);
    assert_eq!(client.hears(), [r#"42["back","c0"]"#]);
}

#[test]
fn a_request_of_another_transport_is_refused() {
    let world = World::new();
    let mut socket = Socket::try_open(world.address, "/socket.io/?EIO=4&transport=websocket").unwrap();
    let id = session_id(&socket.hears());
    for method in ["GET", "POST"] {
        let answer = ask(world.address, method, &format!("{POLLING}&sid={id}"), "40");
        assert_eq!((answer.status, answer.body), (400, problem(3, "Bad request")));
    }
    let target = format!("/socket.io/?EIO=4&transport=websocket&sid={id}");
    assert_eq!(Socket::try_open(world.address, &target).unwrap().hears_close(), (1008, "upgrade".to_owned()));
    socket.says("40");
    assert!(socket.hears().starts_with("40{"), "the session has suffered");
}

#[test]
fn a_second_get_ends_the_session() {
    let world = World::new();
    let client = Polling::enter(&world);
    // Either of them may arrive first.
    let requests = [client.begins_to_poll(), client.begins_to_poll()];
    let mut answers = requests.map(finish);
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(packets(&answers[0]), ["1"]);
    assert_eq!((answers[1].status, &*answers[1].body), (400, &*problem(3, "Bad request")));
    assert_eq!(client.polls().body, problem(1, "Session ID unknown"));
}

/// A GET whose client leaves before the server has looked at it has never come, so it stays longer from one attempt to the next.
#[test]
fn a_get_whose_client_leaves_ends_the_session() {
    let world = World::new();
    let ends_after = |stay: u64| {
        let client = Polling::enter(&world);
        let waits = client.begins_to_poll();
        std::thread::sleep(Duration::from_millis(stay));
        drop(waits);
        (0..100).any(|_| client.posts("3").status == 400)
    };
    assert!([2, 20, 200, 2000].into_iter().any(ends_after), "the session goes on");
    assert_eq!(world.server.statistics().violations, [0; Violation::ALL.len()]);
}

#[test]
fn a_body_that_is_too_long_is_refused() {
    let world = World::of(Settings { payload_bytes: 1000, ..Settings::default() });
    let client = Polling::enter(&world);
    assert_eq!(client.posts(&format!("42[\"{}\"]", "x".repeat(1000))).status, 413);
    let client = Polling::enter(&world);
    let mut chunked = connect(world.address);
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n",
        client.target
    );
    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", "4".repeat(1001));
    chunked.write_all((head + &chunk).as_bytes()).unwrap();
    assert_eq!(finish(chunked).status, 413);
}

#[test]
fn a_body_of_bytes_is_refused() {
    let world = World::new();
    let client = Polling::enter(&world);
    let kind = "content-type: application/octet-stream\r\n";
    let answer = finish(begin(world.address, "POST", &client.target, kind, b"42[\"a\"]"));
    assert_eq!((answer.status, answer.body), (400, problem(3, "Bad request")));
}

#[test]
fn a_body_that_does_not_come_ends_the_session() {
    let settings = Settings { ping_timeout: Duration::from_millis(500), ..Settings::default() };
    let world = World::of(settings);
    let client = Polling::enter(&world);
    let mut stream = connect(world.address);
    let head =
        format!("POST {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 10\r\n\r\n4", client.target);
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(finish(stream).status, 408);
    world.until("nobody is in the namespace", |world| world.sockets() == [0, 0]);
}

#[test]
fn a_body_that_holds_no_packets_ends_the_session() {
    let world = World::new();
    for body in ["abc", "4abc", "", "3\u{1e}", "b!"] {
        let client = Polling::enter(&world);
        let answer = client.posts(body);
        assert_eq!((answer.status, answer.body), (400, problem(3, "Bad request")), "{body}");
        assert_eq!(client.polls().status, 400, "{body}");
    }
}

/// A GET that waits and a POST need a connection each.
#[test]
fn a_session_of_requests_takes_two_of_the_places() {
    let world = World::new();
    let clients: Vec<Polling> = (0..10).map(|_| Polling::open(&world)).collect();
    let answer = ask(world.address, "GET", POLLING, "");
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: "), "{answer:?}");
    clients[0].says("1");
    world.until("a place is free", |world| ask(world.address, "GET", POLLING, "").status == 200);
}

#[test]
fn numbers_say_who_is_where() {
    let world = World::new();
    let _polling = Polling::enter(&world);
    let mut socket = Socket::enter(&world);
    socket.says("40/demo");
    socket.hears();
    let statistics = world.server.statistics();
    assert_eq!(statistics.sockets, [("/".to_owned(), [1, 1]), ("/demo".to_owned(), [0, 1])]);
    assert_eq!(Transport::ALL.map(Transport::name), ["polling", "websocket"]);
    let registry = prometheus::Registry::new();
    let collector = realtime_socketio::metrics::ServerCollector::new(world.server.clone()).unwrap();
    registry.register(Box::new(collector)).unwrap();
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    for line in [
        "realtime_socketio_sockets{namespace=\"/demo\",transport=\"websocket\"} 1\n",
        "realtime_socketio_packets_total{direction=\"in\"} 3\n",
        "realtime_socketio_violations_total{kind=\"not-entered\"} 0\n",
        "realtime_socketio_refusals_total{reason=\"unknown\"} 0\n",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
