//! Bodies that do not come as they should, over real sockets.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    stream::{
        found, served,
        tokens::{guarded, token},
    },
    *,
};

/// What takes a body.
const PATHS: [&str; 3] = ["/api/notifications", "/api/notifications/batch", "/api/tickets"];

/// A server that asks for tokens, and the head of a POST there with these headers.
async fn asking(path: &str, headers: &str) -> (SocketAddr, String, Publisher) {
    let (state, publisher) = guarded(7);
    let bearer = token("7", &["orders"], 600);
    let head = format!("POST {path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {bearer}\r\n{headers}\r\n");
    (served(&state).await, head, publisher)
}

/// Status and problem of the answer that ends with the connection, which is therefore not used again.
fn problem(received: &str) -> (u16, Value) {
    let (head, body) = received.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {received:?}"));
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

async fn rest(socket: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let read = timeout(Duration::from_secs(10), socket.read_to_end(&mut received)).await;
    read.expect("the connection ends").unwrap();
    String::from_utf8(received).unwrap()
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_and_stores_nothing() {
    for path in PATHS {
        let json = "Content-Type: application/json\r\n";
        for (length, part) in [
            ("Content-Length: 100\r\n", r#"{"message":"#),
            ("Transfer-Encoding: chunked\r\n", "b\r\n{\"message\":\r\n"),
            ("Transfer-Encoding: chunked\r\n", "b\r\n{\"message\":\r\nno length\r\n"),
        ] {
            let (address, head, _publisher) = asking(path, &format!("{json}{length}")).await;
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(format!("{head}{part}").as_bytes()).await.unwrap();
            socket.shutdown().await.unwrap();
            let (status, problem) = problem(&rest(&mut socket).await);
            assert_eq!((status, &problem["field"]), (400, &json!("body")), "{path} {length}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.starts_with("the body could not be read: "), "{path} {length}: {detail}");
        }
    }
}

/// A client that sends its body byte by byte until it is answered, and how long that took.
async fn dripping(path: &str) -> (Duration, String) {
    let headers = "Content-Type: application/json\r\nContent-Length: 1000\r\n";
    let (address, head, _publisher) = asking(path, headers).await;
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let begun = Instant::now();
    writer.write_all(head.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let drip = async {
        while writer.write_all(b" ").await.is_ok() {
            sleep(Duration::from_millis(200)).await;
        }
        std::future::pending::<()>().await;
    };
    let read = timeout(Duration::from_secs(20), reader.read_to_end(&mut received));
    tokio::select! {
        read = read => drop(read.expect("the connection ends")),
        () = drip => {}
    }
    (begun.elapsed(), String::from_utf8(received).unwrap())
}

/// What comes drop by drop never pauses for long, so only a limit of the whole ends it.
#[tokio::test]
async fn a_body_that_comes_drop_by_drop_is_given_up_after_10_s() {
    for (path, (took, received)) in PATHS.into_iter().zip(join_all(PATHS.map(dripping)).await) {
        let (status, problem) = problem(&received);
        assert_eq!((status, &problem["field"]), (408, &json!("body")), "{path}: {problem}");
        assert_eq!(problem["detail"], "the body did not arrive within 10 s", "{path}");
        assert!((Duration::from_secs(10)..Duration::from_secs(15)).contains(&took), "{path}: {took:?}");
    }
}

/// Said in the head, or seen as it comes.
#[tokio::test]
async fn the_body_of_a_ticket_is_as_long_as_that_of_a_notification() {
    let limit = 64 * 1024;
    let body = |length: usize| format!("{{\"cookie\":false{}}}", " ".repeat(length - 16));
    let chunked = |body: &str| format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (length, status) in [(limit, 201), (limit + 1, 413)] {
        let body = body(length);
        assert_eq!(body.len(), length);
        let declared = format!("Content-Length: {length}\r\n");
        for (header, body) in [(declared.as_str(), body.clone()), ("Transfer-Encoding: chunked\r\n", chunked(&body))] {
            let headers = format!("Content-Type: application/json\r\nConnection: close\r\n{header}");
            let (address, head, _publisher) = asking("/api/tickets", &headers).await;
            let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
            let mut received = Vec::new();
            let sent = format!("{head}{body}");
            // Whoever is answered early may not get rid of the rest.
            let write = async { drop(writer.write_all(sent.as_bytes()).await) };
            let read = timeout(Duration::from_secs(10), reader.read_to_end(&mut received));
            let (read, ()) = tokio::join!(read, write);
            drop(read.expect("the connection ends"));
            let received = String::from_utf8(received).unwrap();
            assert!(received.starts_with(&format!("HTTP/1.1 {status} ")), "{length} {header}: {received}");
            if status == 413 {
                let (_, problem) = problem(&received);
                assert_eq!(problem["field"], "body", "{problem}");
                assert_eq!(problem["detail"], "the body is larger than 65536 bytes");
            }
        }
    }
}

/// A state without tokens, so that the answer is not one about who asks.
#[tokio::test]
async fn a_body_that_is_not_declared_to_its_end_is_no_shorter_one() {
    let (state, _publisher) = found(7);
    let mut socket = TcpStream::connect(served(&state).await).await.unwrap();
    let whole = r#"{"message":"m"}"#;
    let head = "POST /api/notifications HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n";
    let length = whole.len() + 1;
    socket.write_all(format!("{head}Content-Length: {length}\r\n\r\n{whole}").as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let (status, problem) = problem(&rest(&mut socket).await);
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("body")),
        "503 would mean that it went to Postgres: {problem}"
    );
}
