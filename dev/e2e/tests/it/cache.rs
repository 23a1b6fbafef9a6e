//! The list's cache over two instances of the API, and without Redis.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::{Component, paths, ports};
use realtime_e2e::fixture::{DEFAULT, REPLICATED};
use realtime_e2e::http::{Answer, Http};
use realtime_e2e::{Stack, container, eventually, kubectl};
use uuid::Uuid;

use crate::faults::{pause, resume, take_away};

/// Readers at the same time.
const READERS: usize = 200;
/// Until what was posted is processed, and an instance has found out what its backends do.
const PATIENCE: Duration = Duration::from_secs(60);
/// An answer without Redis comes this soon.
const ANSWERED: Duration = Duration::from_secs(2);

/// The sum of a counter of the API over its instances.
async fn counted(stack: &Stack, metric: &str) -> u64 {
    let mut sum = 0;
    for pod in stack.pods(Component::Api).await {
        sum += counted_at(&pod, metric).await;
    }
    sum
}

async fn counted_at(pod: &Pod, metric: &str) -> u64 {
    let name = pod.name_any();
    let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).expect("a running pod has an address");
    let server = Http::new(format!("http://{address}:{}", ports::OPS));
    let text = server.get(paths::METRICS).await.expect("the ops server answers").body;
    let text = text.as_str().expect("metrics are text").to_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} has no {metric}")).parse().expect("a counter is a number")
}

/// The newest page, by a client with the Service's or a pod's address.
async fn list(api: &Http) -> Answer {
    let answer = api.get("/api/notifications").await.expect("the list is answered");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

fn has(answer: &Answer, message: &str, status: Option<&str>) -> bool {
    let notifications = answer.body.as_array().expect("the list is an array");
    notifications.iter().any(|it| it["message"] == message && status.is_none_or(|status| it["status"] == status))
}

/// Waits until nothing that was posted changes the list any more: each instance forgets its pages before it broadcasts.
async fn at_rest(stack: &Stack) {
    eventually("all instances have broadcast everything", PATIENCE, async || {
        let written = stack.query("SELECT position FROM feed_counter").await.parse::<u64>().expect("a number");
        let mut positions = Vec::new();
        for pod in stack.pods(Component::Api).await {
            positions.push(counted_at(&pod, "realtime_feed_position").await);
        }
        if positions.iter().all(|position| *position == written) {
            Ok(())
        } else {
            Err(format!("{positions:?} of {written}"))
        }
    })
    .await;
}

/// Waits until the notification is processed.
async fn processed(api: &Http, message: &str) {
    eventually("the notification is processed", PATIENCE, async || {
        if has(&list(api).await, message, Some("processed")) { Ok(()) } else { Err("it is pending".to_owned()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_readers_of_a_cold_page_at_two_instances_cause_one_query() {
    REPLICATED
        .change(async |stack| {
            let instances: Vec<Http> = stack.pod_urls(Component::Api).await.into_iter().map(Http::new).collect();
            assert_eq!(instances.len(), 2);
            let message = format!("cache {}", Uuid::new_v4());
            instances[0].notify(&message).await;
            processed(&instances[1], &message).await;
            at_rest(stack).await;

            let cleared =
                reqwest::Client::new().delete(format!("{}/api/notifications", instances[0].base)).send().await;
            assert_eq!(cleared.expect("the cache is cleared").status(), 200);
            let before = counted(stack, "realtime_list_queries_total").await;
            let answers = join_all((0..READERS).map(|number| list(&instances[number % 2]))).await;
            let queries = counted(stack, "realtime_list_queries_total").await - before;
            assert_eq!(queries, 1, "{READERS} readers");
            assert!(answers.iter().all(|answer| answer.body == answers[0].body && has(answer, &message, None)));
            let misses = answers.iter().filter(|answer| answer.headers["x-cache"] == "miss").count();
            assert_eq!(misses, 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_posted_at_one_instance_is_read_at_the_other_at_once() {
    REPLICATED
        .look(async |stack| {
            let instances: Vec<Http> = stack.pod_urls(Component::Api).await.into_iter().map(Http::new).collect();
            for round in 0..20 {
                let message = format!("cache {}", Uuid::new_v4());
                let (writer, reader) = (&instances[round % 2], &instances[(round + 1) % 2]);
                // The page is warm at the reader.
                list(reader).await;
                writer.notify(&message).await;
                assert!(has(&list(reader).await, &message, None), "round {round}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_read_without_redis_and_cached_again_when_it_is_back() {
    DEFAULT
        .change(async |stack| {
            let api = Http::new(stack.url(Component::Api).await);
            list(&api).await;
            let begun = Timestamp::now();
            pause(stack).await;
            let redis = stack.pods(Component::Redis).await.remove(0);
            container::kill(&redis, "redis-server");
            take_away(stack, Component::Redis).await;

            for round in 0..10 {
                let message = format!("cache {}", Uuid::new_v4());
                api.notify(&message).await;
                let begun = std::time::Instant::now();
                let answer = list(&api).await;
                assert!(has(&answer, &message, None), "round {round}");
                assert_eq!(answer.headers["x-cache"], "bypass", "round {round}");
                assert!(begun.elapsed() < ANSWERED, "round {round}: {:?}", begun.elapsed());
            }
            assert!(counted(stack, "realtime_list_cache_bypassed_total").await >= 10);
            told_once(stack, begun).await;

            resume(stack).await;
            eventually("the list is cached again", PATIENCE, async || {
                match list(&api).await.headers["x-cache"].to_str() {
                    Ok("hit") => Ok(()),
                    other => Err(format!("x-cache is {other:?}")),
                }
            })
            .await;
        })
        .await;
}

/// One outage is one line, however many lists were asked for.
async fn told_once(stack: &Stack, since: Timestamp) {
    let pod = stack.pods(Component::Api).await.remove(0).name_any();
    let since = format!("--since-time={since:.0}");
    let log = kubectl::run(&["logs", "--namespace", &stack.namespace, &pod, &since]).await;
    let told = log.lines().filter(|line| line.contains("lists are read from Postgres")).count();
    assert_eq!(told, 1, "{log}");
}
