//! Our own client package: it stays connected and loses nothing, publishes once, and says what is refused.

mod requests;
mod secured;

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::DeleteParams;
use realtime_contract::Component;
use realtime_e2e::clients::package::Package;
use realtime_e2e::entrance::Entrances;
use realtime_e2e::fixture::DELIVERY;
use realtime_e2e::postings::{self, Poster};
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, container, eventually};
use serde_json::{Value, json};

use crate::streams::run_name;

/// What was missed while something was away is there this soon after it is back.
const CAUGHT_UP: Duration = Duration::from_secs(60);
/// Notifications a second, and channels that they are posted to.
const PER_SECOND: u32 = 10;
const CHANNELS: u32 = 3;

const PROGRAM: &str = "realtime-api";

/// Kills the process. Its pod goes at once, too: in it the process would start again later each time.
async fn kill(stack: &Stack, pod: &Pod) {
    container::kill(pod, PROGRAM);
    let deleted = stack.objects::<Pod>().delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await;
    deleted.unwrap_or_else(|error| panic!("failed to delete pod {}: {error}", pod.name_any()));
}

/// Kills each replica that is there now, one after the other, so that the client is cut off at least once.
async fn kill_each(stack: &Stack) {
    for pod in stack.pods(Component::Api).await {
        kill(stack, &pod).await;
        stack.ready(START_LIMIT).await;
    }
}

/// Numbers of the notifications of the run, as they came.
fn received(client: &Package, run: &str) -> Vec<u32> {
    let begin = format!("{run}-");
    let number = |message: &Value| message.as_str()?.strip_prefix(&begin)?.parse().ok();
    client.told("notification").iter().filter_map(|it| number(&it.data()["message"])).collect()
}

async fn goes_on_where_it_was(stack: &Stack, options: Value) {
    let run = run_name();
    let entrances = Entrances::open(stack, Component::Api, 1).await;
    let mut options = options;
    options["url"] = entrances.url(0).into();
    let mut client = Package::connect(&options).await;
    let poster = Poster::start(&stack.url(Component::Api).await, &run, PER_SECOND, CHANNELS);
    client.tells("notification", 20, CAUGHT_UP).await;
    kill_each(stack).await;
    client.tells("resumed", 1, CAUGHT_UP).await;
    let before = client.told("notification").len();
    client.tells("notification", before + 20, CAUGHT_UP).await;

    let mut postings = poster.stop().await;
    let stored = stack.query(&format!("SELECT message FROM notifications WHERE message LIKE '{run}-%'")).await;
    postings.settle(&run, &stored);
    client.tells("notification", postings.count(|_| true), CAUGHT_UP).await;
    let faults = postings.faults(|_| true, &received(&client, &run));
    assert!(faults.is_empty(), "{faults:?}");

    let (cuts, resumes) = (client.told("cut").len(), client.told("resumed").len());
    assert!(cuts >= 1 && cuts == resumes, "{cuts} cuts, {resumes} resumes");
    let states = client.states();
    assert_eq!(states[..2], ["connecting", "connected"]);
    assert_eq!(states.len(), 2 + 2 * cuts);
    assert!(states[2..].chunks(2).all(|pair| pair == ["reconnecting", "connected"]), "{states:?}");
    assert!(client.told("resumed").iter().all(|it| it.data()["recovered"] == true), "{:?}", client.told("resumed"));
    assert!(client.told("gap").is_empty(), "{:?}", client.told("gap"));
    let missed = client.told("notification").iter().filter(|it| it.event["arrival"]["missed"] == true).count();
    eprintln!("{options}: {before} and more notifications, {cuts} cuts, {missed} missed and made up for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_goes_on_by_socket_io_when_its_replica_is_killed() {
    DELIVERY.change(async |stack| goes_on_where_it_was(stack, json!({"transport": "socketio"})).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_goes_on_by_server_sent_events_when_its_replica_is_killed() {
    let channels: Vec<String> = (0..CHANNELS).map(postings::channel).collect();
    let options = json!({"transport": "sse", "channels": channels});
    DELIVERY.change(async |stack| goes_on_where_it_was(stack, options).await).await;
}

/// All replicas at once, so that requests break off while they are carried out, and none is answered for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_our_client_publishes_while_the_api_is_killed_is_stored_once() {
    const COUNT: usize = 200;
    DELIVERY
        .change(async |stack| {
            let run = run_name();
            let entrances = Entrances::open(stack, Component::Api, 1).await;
            let mut client = Package::idle(&json!({"url": entrances.url(0), "retries": 60}));
            let mut begun = Vec::new();
            for number in 0..COUNT {
                let draft = json!({"message": format!("{run}-{number}"), "channel": run});
                begun.push(client.begin("publish", &[draft]).await);
                if number == COUNT / 4 {
                    client.ended(begun[0], CAUGHT_UP).await.unwrap_or_else(|error| panic!("{error}"));
                    for pod in stack.pods(Component::Api).await {
                        kill(stack, &pod).await;
                    }
                }
            }
            let mut ids = Vec::new();
            for number in begun {
                let published = client.ended(number, START_LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
                ids.push(published["id"].as_str().unwrap_or_default().to_owned());
            }
            ids.sort_unstable();
            let rows = format!("SELECT id FROM notifications WHERE message LIKE '{run}-%' ORDER BY id::text");
            let stored = stack.query(&rows).await;
            assert_eq!(stored.lines().collect::<Vec<_>>(), ids, "each is stored once, by the id that was answered");
            eventually("each was processed", CAUGHT_UP, async || {
                let left = format!(
                    "SELECT count(*) FROM notifications WHERE message LIKE '{run}-%' AND status <> 'processed'"
                );
                let left = stack.query(&left).await;
                if left == "0" { Ok(()) } else { Err(format!("{left} are not")) }
            })
            .await;
            stack.ready(START_LIMIT).await;
        })
        .await;
}
