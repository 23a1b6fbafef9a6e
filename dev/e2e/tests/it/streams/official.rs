//! EventSources that others have written: npm's and Chromium's.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::Component;
use realtime_e2e::browser::Browser;
use realtime_e2e::fixture::STREAMS;
use realtime_e2e::log::Log;
use realtime_e2e::production::{self, Production};
use realtime_e2e::{Arrivals, Stack, clients, container, eventually};

use super::{CAUGHT_UP, PATIENCE, log, measured, restarts, run_name, started_again, stream_url};

/// Events before the cut, and after the client has come back.
const SOME: u32 = 20;

/// The instance that has the only connection.
async fn serving(stack: &Stack) -> Pod {
    eventually("one instance serves the client", PATIENCE, async || {
        let mut found = Vec::new();
        for pod in stack.pods(Component::Notifications).await {
            if measured(&pod, "realtime_connections_active", "").await > 0.0 {
                found.push(pod);
            }
        }
        if found.len() == 1 { Ok(found.remove(0)) } else { Err(format!("{} instances do", found.len())) }
    })
    .await
}

/// Kills the instance that serves the client in the middle of events: it comes back by itself and has all of them.
async fn survives_a_kill(stack: &Stack, log: &Arc<Log>, arrivals: &mut Arrivals) {
    let run = run_name();
    let number = production::numbering(&run);
    let id = |number: u32| format!("{run}-{number}");
    let pod = serving(stack).await;
    let production = Production::start(log, &run, 20, 0);
    arrivals.wait("event before the cut", PATIENCE, |it| it["data"]["id"] == id(SOME)).await;
    container::kill(&pod, "realtime-notifications");
    let cut = arrivals.wait("cut", PATIENCE, |it| it["event"] == "error").await;
    eventually("the client is connected again", CAUGHT_UP, async || {
        drop(arrivals.find("next event", std::time::Duration::from_millis(100), |_| false).await);
        let again = arrivals.seen().iter().any(|it| it.event["event"] == "ready" && it.at > cut.at);
        if again { Ok(()) } else { Err("it is not".to_owned()) }
    })
    .await;
    let after = arrivals.seen().iter().filter(|it| it.event["data"]["product"].is_object()).count() as u32 + SOME;
    arrivals.wait("event after the cut", CAUGHT_UP, |it| it["data"]["id"] == id(after)).await;
    let ledger = production.stop().await;
    for last in (0..u32::try_from(ledger.count(|_| true)).expect("few")).rev().take(SOME as usize) {
        arrivals.wait("last events", PATIENCE, |it| it["data"]["id"] == id(last)).await;
    }
    let received: Vec<u32> = arrivals.seen().iter().filter_map(|it| number(&it.data().to_string())).collect();
    assert_eq!(ledger.faults(|_| true, &received), [], "{} events", received.len());
    assert!(arrivals.seen().iter().all(|it| it.event["event"] != "gap"), "nothing is said to be missing");
    started_again(stack, &pod.name_any(), restarts(&pod)).await;
}

#[tokio::test]
async fn the_event_source_of_npm_misses_nothing_when_its_instance_is_killed() {
    STREAMS
        .change(async |stack| {
            let log = log(stack).await;
            let mut client = clients::event_source(&stream_url(stack).await).await;
            survives_a_kill(stack, &log, &mut client.arrivals).await;
        })
        .await;
}

#[tokio::test]
async fn the_event_source_of_chromium_misses_nothing_when_its_instance_is_killed() {
    STREAMS
        .change(async |stack| {
            let log = log(stack).await;
            let mut browser = Browser::open(&stream_url(stack).await).await;
            survives_a_kill(stack, &log, &mut browser.arrivals).await;
        })
        .await;
}
