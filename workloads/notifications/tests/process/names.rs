//! What notifications does by each name, and by an interrupt.

use super::child::{Process, Variables, refused};

const PROGRAM: &str = env!("CARGO_BIN_EXE_realtime-notifications");
const ALL: [(&str, &str); 2] = [("PORT", "0"), ("KAFKA_BROKERS", "127.0.0.1:9")];

fn with<'a>(variable: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    ALL.into_iter().filter(|(name, _)| *name != variable.0).chain([variable]).collect()
}

#[tokio::test]
async fn an_interrupt_ends_it_without_an_error() {
    let mut process = Process::start(PROGRAM, &ALL);
    process.says("\"server listens\"").await;
    assert_eq!(process.interrupt().await, Some(0));
}

#[tokio::test]
async fn a_variable_that_is_malformed_stops_the_start_with_its_name() {
    for (name, variables) in [
        ("PORT", with(("PORT", "many"))),
        ("REALTIME_STREAM_TOPICS", with(("REALTIME_STREAM_TOPICS", "a b"))),
        ("REALTIME_DRAIN_SECONDS", with(("REALTIME_DRAIN_SECONDS", "-1"))),
    ] {
        let variables: &Variables<'_> = &variables;
        let (code, said) = refused(PROGRAM, variables).await;
        assert_eq!(code, Some(2), "{variables:?}: {said}");
        assert!(said.contains(name), "{variables:?}: {said}");
    }
}
