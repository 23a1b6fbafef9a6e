//! Cursors that cannot be followed: the client is told, and goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use realtime_e2e::fixture::{STREAMS, STREAMS_RING};
use realtime_e2e::ledger::{Entry, Ledger};
use realtime_e2e::log::command::Command;
use realtime_e2e::production::{self, TOPIC};
use realtime_e2e::{Arrival, Arrivals, eventually, sse};
use serde_json::{Value, json};

use super::{CAUGHT_UP, PATIENCE, log, restart_broker, run_name, stream_url};

async fn cursor(stream: &mut Arrivals) -> String {
    let greeting = stream.wait("greeting", PATIENCE, |it| it["data"]["type"] == "connection").await;
    greeting.event["id"].as_str().expect("a greeting has an id").to_owned()
}

/// The `gap` that comes at once, with the id from which the client goes on.
async fn gap(stream: &mut Arrivals, reason: &str) -> Result<Arrival, String> {
    let found = stream.find("gap", Duration::from_secs(5), |it| it["event"] == "gap").await?;
    if found.data()["reason"] != reason {
        return Err(found.event.to_string());
    }
    assert!(found.event["id"].as_str().is_some_and(|id| !id.is_empty()), "{}", found.event);
    Ok(found)
}

fn is_of(event: &Value, run: &str) -> bool {
    event["data"]["id"].as_str().is_some_and(|id| id.starts_with(run))
}

fn numbers(stream: &Arrivals, run: &str) -> Vec<u32> {
    let number = production::numbering(run);
    stream.seen().iter().filter_map(|it| number(&it.data().to_string())).collect()
}

/// What an instance still has in memory it may send, too: then less is lost than the log has lost.
fn only_the_beginning_is_lost(ledger: &Ledger, received: &[u32]) {
    let mut begins = BTreeMap::new();
    for (_, entry) in ledger.entries().filter(|(number, _)| received.contains(number)) {
        let begin = begins.entry(entry.partition).or_insert(entry.offset);
        *begin = entry.offset.min(*begin);
    }
    let goes_on = |entry: &Entry| begins.get(&entry.partition).is_some_and(|begin| entry.offset >= *begin);
    assert_eq!(ledger.faults(goes_on, received), [], "from where each partition goes on nothing is missing");
    assert!(ledger.count(goes_on) < ledger.count(|_| true), "something is missing, as the gap says");
}

#[tokio::test]
async fn a_cursor_that_was_tampered_with_is_told_and_live_events_follow() {
    STREAMS
        .change(async |stack| {
            let (log, url) = (log(stack).await, stream_url(stack).await);
            let good = cursor(&mut sse::listen(&url, None).await).await;
            let middle = good.len() / 2;
            let other = if good.as_bytes()[middle] == b'A' { "B" } else { "A" };
            let tampered = format!("{}{other}{}", &good[..middle], &good[middle + 1..]);
            for bad in [tampered.as_str(), "1", "%00"] {
                let mut stream = sse::listen(&url, Some(bad)).await;
                let told = gap(&mut stream, "invalid").await.unwrap_or_else(|error| panic!("{bad}: {error}"));
                let next = told.event["id"].as_str().expect("an id");
                assert_ne!(next, bad);
                // The id that it was given instead is a good one.
                let mut again = sse::listen(&url, Some(next)).await;
                cursor(&mut again).await;
                let run = run_name();
                production::write(&log, &run, 1).await;
                for stream in [&mut stream, &mut again] {
                    stream.wait("live event", PATIENCE, |it| is_of(it, &run)).await;
                }
                let told = |stream: &Arrivals| stream.seen().iter().filter(|it| it.event["event"] == "gap").count();
                assert_eq!((told(&stream), told(&again)), (1, 0), "{:?}", again.seen());
            }
        })
        .await;
}

#[tokio::test]
async fn events_older_than_retention_are_told_and_the_others_follow() {
    STREAMS
        .change(async |stack| {
            let (log, run, url) = (log(stack).await, run_name(), stream_url(stack).await);
            let mut live = sse::listen(&url, None).await;
            let before = cursor(&mut live).await;
            let ledger = production::write(&log, &run, STREAMS_RING * 3 / 2).await;
            let mut ends = BTreeMap::new();
            for (number, entry) in ledger.entries() {
                let last = ends.entry(entry.partition).or_insert((entry.offset, number));
                *last = (*last).max((entry.offset, number));
            }
            for (_, number) in ends.values() {
                live.wait("last events", PATIENCE, |it| it["data"]["id"] == format!("{run}-{number}")).await;
            }
            for (partition, (offset, _)) in &ends {
                let (topic, partition, before) = (TOPIC.to_owned(), *partition, *offset);
                log.run(Command::Trim { topic, partition, before }).await;
            }
            let mut stream = eventually("a gap is told", PATIENCE, async || {
                let mut stream = sse::try_listen(&url, Some(&before)).await?;
                gap(&mut stream, "trimmed").await.map(|_| stream)
            })
            .await;
            for (_, number) in ends.values() {
                stream.wait("what is left", PATIENCE, |it| it["data"]["id"] == format!("{run}-{number}")).await;
            }
            let first = stream.seen().iter().find(|it| it.event["event"] == "gap" || is_of(&it.event, &run));
            assert!(first.is_some_and(|it| it.event["event"] == "gap"), "first the gap: {first:?}");
            only_the_beginning_is_lost(&ledger, &numbers(&stream, &run));
        })
        .await;
}

#[tokio::test]
async fn a_topic_that_was_made_anew_is_told_and_its_events_follow() {
    STREAMS
        .change(async |stack| {
            let (log, run, url) = (log(stack).await, run_name(), stream_url(stack).await);
            let topic = "transient".to_owned();
            let event = |number: u32| {
                let id = format!("{run}-{number}");
                let product = json!({"id": "p"});
                json!({"id": id, "type": "ProductUpdated", "timestamp": "2026-11-21T06:00:00.000Z", "product": product})
            };
            // The epochs of the leaders of the new topic's partitions then begin below those that clients of Kafka have seen.
            restart_broker(stack).await;
            let mut live = sse::listen(&url, None).await;
            log.produce(&topic, 0, "", &event(0).to_string()).await;
            let first = live.wait("event", PATIENCE, |it| it["data"]["id"] == event(0)["id"]).await;
            let before = first.event["id"].as_str().expect("an event has an id").to_owned();
            log.run(Command::Delete { topic: topic.clone() }).await;
            log.run(Command::Create { topic: topic.clone(), partitions: 1 }).await;
            let mut stream = eventually("a gap is told", CAUGHT_UP, async || {
                let mut stream = sse::try_listen(&url, Some(&before)).await?;
                gap(&mut stream, "epoch").await.map(|_| stream)
            })
            .await;
            log.produce(&topic, 0, "", &event(1).to_string()).await;
            // Who was there all along gets it, too.
            for stream in [&mut stream, &mut live] {
                stream.wait("event of the new topic", CAUGHT_UP, |it| it["data"]["id"] == event(1)["id"]).await;
            }
        })
        .await;
}
