//! The stream of the notifications service: every event, every client, nothing lost.

mod checker;
mod drain;
mod faults;
mod gaps;
mod official;
mod slow;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::{Component, paths, ports};
use realtime_e2e::eventsource::{Crowd, Record};
use realtime_e2e::http::Http;
use realtime_e2e::ledger::{Entry, Ledger};
use realtime_e2e::log::Log;
use realtime_e2e::{Stack, eventually};
use uuid::Uuid;

/// What comes at once comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// What was missed while something was away is there this soon after it is back.
const CAUGHT_UP: Duration = Duration::from_secs(60);

async fn log(stack: &Stack) -> Arc<Log> {
    Arc::new(Log::open(stack, env!("CARGO_BIN_EXE_realtime-e2e-log")).await)
}

/// Begins the ids of a test's events, so that it knows its own.
pub(crate) fn run_name() -> String {
    format!("run{}", &Uuid::new_v4().simple().to_string()[..8])
}

/// The stream behind the Service.
async fn stream_url(stack: &Stack) -> String {
    format!("{}/events/stream", stack.url(Component::Notifications).await)
}

/// What a client asks for, and which events that are.
#[derive(Clone, Copy)]
struct Wish {
    query: &'static str,
    wants: fn(&Entry) -> bool,
}

const EVERYTHING: Wish = Wish { query: "", wants: |_| true };

/// Half of the clients want everything.
const WISHES: [Wish; 8] = [
    EVERYTHING,
    Wish {
        query: "?types=LowStockWarning,ProductDeleted",
        wants: |it| ["LowStockWarning", "ProductDeleted"].contains(&it.kind),
    },
    EVERYTHING,
    Wish { query: "?channels=shop-3,shop-4", wants: |it| ["shop-3", "shop-4"].contains(&it.channel.as_str()) },
    EVERYTHING,
    Wish { query: "?field.product.region=north", wants: |it| it.region == "north" },
    EVERYTHING,
    Wish {
        query: "?types=ProductCreated&field.product.region=south&channels=shop-4,shop-8&heartbeat=comment",
        wants: |it| {
            it.kind == "ProductCreated" && it.region == "south" && ["shop-4", "shop-8"].contains(&it.channel.as_str())
        },
    },
];

fn wish(client: usize) -> Wish {
    WISHES[client % WISHES.len()]
}

/// Waits until each client has been greeted: from there on it misses nothing.
async fn greeted(crowd: &Crowd) {
    eventually("each client is greeted", CAUGHT_UP, async || {
        let waiting = crowd.of_each(|record| record.greetings).iter().filter(|greetings| **greetings == 0).count();
        if waiting == 0 { Ok(()) } else { Err(format!("{waiting} of {} wait: {:?}", crowd.len(), crowd.record(0))) }
    })
    .await;
}

/// Waits until each client has as many events as it wants, and then demands that they are those that it wants, once and in order.
async fn complete(crowd: &Crowd, ledger: &Ledger, wish: impl Fn(usize) -> Wish) {
    let missing =
        |client: usize, record: &Record| ledger.count(wish(client).wants).saturating_sub(record.received.len());
    let deadline = tokio::time::Instant::now() + CAUGHT_UP;
    while tokio::time::Instant::now() < deadline {
        let waits = |client: &usize| missing(*client, &crowd.record(*client)) > 0;
        if (0..crowd.len()).find(waits).is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut failures = Vec::new();
    for client in 0..crowd.len() {
        let record = crowd.record(client);
        let faults = ledger.faults(wish(client).wants, &record.received);
        if !faults.is_empty() || !record.gaps.is_empty() || record.refused.is_some() {
            let (count, some) = (faults.len(), &faults[..faults.len().min(8)]);
            let Record { opened, gaps, refused, last_event_id, .. } = record;
            failures.push(format!(
                "client {client} {}: {count} faults {some:?}, opened {opened}, gaps {gaps:?}, refused {refused:?}, at {last_event_id}",
                wish(client).query
            ));
        }
    }
    let some = failures[..failures.len().min(10)].join("\n");
    assert!(failures.is_empty(), "{} of {} clients are not right:\n{some}", failures.len(), crowd.len());
}

/// The ops port of a pod.
pub(crate) fn ops(pod: &Pod) -> Http {
    let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).expect("a running pod has an address");
    Http::new(format!("http://{address}:{}", ports::OPS))
}

/// The sum of a pod's numbers of that name whose labels contain that text.
pub(crate) async fn measured(pod: &Pod, name: &str, label: &str) -> f64 {
    let answer = ops(pod).get(paths::METRICS).await.expect("the ops server answers");
    let text = answer.body.as_str().unwrap_or_default();
    let value = |line: &str| -> Option<f64> {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let ours = matches!(rest.as_bytes().first(), Some(b' ' | b'{')) && labels.contains(label);
        ours.then(|| value.parse().expect("a number"))
    };
    let values: Vec<f64> = text.lines().filter_map(value).collect();
    assert!(!values.is_empty(), "pod {} has no {name} with {label}: {text}", pod.name_any());
    values.iter().sum()
}

/// The same over all instances.
async fn measured_of_all(stack: &Stack, name: &str, label: &str) -> f64 {
    let mut sum = 0.0;
    for pod in stack.pods(Component::Notifications).await {
        sum += measured(&pod, name, label).await;
    }
    sum
}

/// Deletes the broker's pod, and waits for the next one.
async fn restart_broker(stack: &Stack) {
    let name = format!("{}-0", stack.object_name(Component::Kafka));
    let before = stack.objects::<Pod>().get(&name).await.expect("there is a broker").uid();
    stack.delete::<Pod>(&name).await;
    eventually("another broker is ready", Duration::from_secs(90), async || {
        let pod = stack.objects::<Pod>().get(&name).await.map_err(|error| error.to_string())?;
        let conditions = pod.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
        let ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
        if ready && pod.uid() != before { Ok(()) } else { Err(format!("{conditions:?}")) }
    })
    .await;
}

/// Waits until the pod's container has started again and is ready.
pub(crate) async fn started_again(stack: &Stack, pod: &str, restarts: i32) {
    eventually(&format!("{pod} has started again"), CAUGHT_UP, async || {
        let pod = stack.objects::<Pod>().get(pod).await.map_err(|error| error.to_string())?;
        let status = pod.status.and_then(|status| status.container_statuses?.into_iter().next());
        let status = status.ok_or("it has no status")?;
        if status.ready && status.restart_count > restarts { Ok(()) } else { Err(format!("{status:?}")) }
    })
    .await;
}

pub(crate) fn restarts(pod: &Pod) -> i32 {
    let status = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref()?.first());
    status.map_or(0, |status| status.restart_count)
}
