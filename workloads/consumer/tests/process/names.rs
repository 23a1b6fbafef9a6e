//! What the consumer does by each name, and by an interrupt.

use super::child::{Process, Variables, refused};

const PROGRAM: &str = env!("CARGO_BIN_EXE_realtime-consumer");
const ALL: [(&str, &str); 3] = [
    ("KAFKA_BROKERS", "127.0.0.1:9"),
    ("POSTGRES_URL", "postgresql://realtime:hunter2@127.0.0.1:9/realtime"),
    ("REDIS_URL", "redis://127.0.0.1:9"),
];

fn without(name: &str) -> Vec<(&'static str, &'static str)> {
    ALL.into_iter().filter(|(other, _)| *other != name).collect()
}

fn with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    without(name).into_iter().chain([(name, value)]).collect()
}

#[tokio::test]
async fn an_interrupt_ends_it_without_an_error() {
    let mut process = Process::start(PROGRAM, &ALL);
    process.says("\"started\"").await;
    assert_eq!(process.interrupt().await, Some(0));
}

#[tokio::test]
async fn a_variable_that_is_missing_or_malformed_stops_the_start_with_its_name() {
    let missing = ALL.map(|(name, _)| (name, without(name)));
    let malformed = [("REALTIME_POSTGRES_POOL", "many"), ("REDIS_PORT", "0"), ("REALTIME_FEED_RETENTION_HOURS", "0")];
    let malformed = malformed.map(|(name, value)| (name, with(name, value)));
    for (name, variables) in missing.into_iter().chain(malformed) {
        let variables: &Variables<'_> = &variables;
        let (code, said) = refused(PROGRAM, variables).await;
        assert_eq!(code, Some(2), "{variables:?}: {said}");
        assert!(said.contains(name), "{variables:?}: {said}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_stops_it_with_the_variable_and_without_its_password() {
    for (name, address) in
        [("POSTGRES_URL", "postgresql://realtime:hunter2@db:port/x"), ("REDIS_URL", "http://realtime:hunter2@cache")]
    {
        let (code, said) = refused(PROGRAM, &with(name, address)).await;
        assert!(code == Some(1) && said.contains(name), "{code:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
