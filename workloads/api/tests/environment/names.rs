//! What the API does by each name, and by an interrupt.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::child::{Process, Variables, refused};

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_realtime-api");
/// Behind the ops server, which says something like it.
pub(super) const LISTENS: &str = "\"server listens\"";
const ALL: [(&str, &str); 5] = [
    ("PORT", "0"),
    ("KAFKA_BROKERS", "127.0.0.1:9"),
    ("POSTGRES_URL", "postgresql://realtime:hunter2@127.0.0.1:9/realtime"),
    ("REDIS_HOST", "127.0.0.1"),
    ("REDIS_PORT", "9"),
];

fn without<'a>(names: &[&str]) -> Vec<(&'a str, &'a str)> {
    ALL.into_iter().filter(|(other, _)| !names.contains(other)).collect()
}

pub(super) fn with<'a>(variables: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
    without(&names).into_iter().chain(variables.iter().copied()).collect()
}

pub(super) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The whole answer to a GET.
pub(super) async fn get(port: u16, path: &str, headers: &str) -> String {
    let mut socket = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: api\r\nConnection: close\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_older_name_of_the_port_counts_where_the_newer_one_is_not_set() {
    let (older, newer) = (free_port().to_string(), free_port().to_string());
    let mut variables = without(&["PORT"]);
    variables.push(("API_PORT", &older));
    for (port, name) in [(&older, None), (&newer, Some("PORT"))] {
        variables.extend(name.map(|name| (name, port.as_str())));
        let mut process = Process::start(PROGRAM, &variables);
        process.says(LISTENS).await;
        let answer = get(port.parse().unwrap(), "/", "").await;
        assert!(answer.contains("\"name\":\"realtime-api\""), "{name:?}: {answer}");
        if name.is_some() {
            let other = SocketAddr::from(([127, 0, 0, 1], older.parse().unwrap()));
            assert!(TcpStream::connect(other).await.is_err(), "the newer name wins");
        }
        process.interrupt().await;
    }
}

#[tokio::test]
async fn each_of_several_origins_may_read() {
    let port = free_port().to_string();
    let mut process = Process::start(
        PROGRAM,
        &with(&[("PORT", &port), ("CORS_ORIGIN", "http://one.example,https://two.example:8443")]),
    );
    process.says(LISTENS).await;
    for (origin, allowed) in [
        ("http://one.example", true),
        ("https://two.example:8443", true),
        ("https://two.example", false),
        ("http://localhost:3000", false),
    ] {
        let answer = get(port.parse().unwrap(), "/", &format!("Origin: {origin}\r\n")).await;
        let header = format!("access-control-allow-origin: {origin}\r\n");
        assert_eq!(answer.contains(&header), allowed, "{origin}: {answer}");
        assert!(!allowed || answer.contains("access-control-allow-credentials: true\r\n"), "{origin}: {answer}");
    }
}

#[tokio::test]
async fn redis_is_found_by_host_and_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let _process = Process::start(PROGRAM, &with(&[("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &port)]));
    let accepted = tokio::time::timeout(std::time::Duration::from_secs(30), listener.accept()).await;
    let (mut client, _) = accepted.expect("it connects").unwrap();
    let mut first = [0; 1];
    client.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"*", "a command of Redis is an array");
}

#[tokio::test]
async fn the_log_is_text_for_who_develops_and_json_else() {
    for (environment, is_json) in [("development", false), ("production", true)] {
        let mut process = Process::start(PROGRAM, &with(&[("NODE_ENV", environment)]));
        let line = process.says("server listens").await;
        let read = serde_json::from_str::<serde_json::Value>(&line);
        assert_eq!(read.is_ok(), is_json, "{environment}: {line}");
    }
}

#[tokio::test]
async fn an_interrupt_ends_it_without_an_error() {
    let mut process = Process::start(PROGRAM, &ALL);
    process.says(LISTENS).await;
    assert_eq!(process.interrupt().await, Some(0));
}

#[tokio::test]
async fn a_variable_that_is_missing_or_malformed_stops_the_start_with_its_name() {
    let missing = [("POSTGRES_URL", "POSTGRES_URL"), ("KAFKA_BROKERS", "KAFKA_BROKERS"), ("REDIS_URL", "REDIS_HOST")];
    let missing = missing.map(|(name, left_out)| (name, without(&[left_out])));
    let malformed = [
        ("PORT", "many"),
        ("API_PORT", "70000"),
        ("REDIS_PORT", "tcp://10.0.0.1:6379"),
        ("REALTIME_POSTGRES_POOL", "-1"),
        ("REALTIME_LOG_FORMAT", "xml"),
    ];
    let malformed = malformed.map(|(name, value)| (name, with(&[(name, value)])));
    for (name, variables) in missing.into_iter().chain(malformed) {
        let variables: &Variables<'_> = &variables;
        let (code, said) = refused(PROGRAM, variables).await;
        assert_eq!(code, Some(2), "{name}: {said}");
        assert!(said.contains(name), "{name}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_stops_it_with_the_variable_and_without_its_password() {
    for (name, value) in
        [("POSTGRES_URL", "postgresql://realtime:hunter2@db:port/x"), ("REDIS_URL", "http://realtime:hunter2@cache")]
    {
        let (code, said) = refused(PROGRAM, &with(&[(name, value)])).await;
        assert!(code == Some(1) && said.contains(name), "{code:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let (code, said) = refused(PROGRAM, &with(&[("TEMPO_URL", "tempo:4318")])).await;
    assert!(code == Some(1) && said.contains("tempo:4318"), "{code:?}: {said}");
}
