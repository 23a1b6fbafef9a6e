//! Limits of one user over two instances of the API: one bucket for both in Redis, one for each without it.

use std::time::{Duration, Instant};

use futures::future::join;
use jiff::Timestamp;
use kube::ResourceExt;
use realtime_contract::Component;
use realtime_crds::ConditionType;
use realtime_e2e::fixture::{SECURED, secured_spec};
use realtime_e2e::http::{Answer, Http};
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, kubectl, tokens};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::EVERYTHING;
use crate::faults::take_away;

/// What a bucket of requests holds; it gets one a second.
const BURST: u32 = 40;
/// Requests to each instance, so that each would let a whole bucket in if it had one.
const ROUNDS: usize = 55;
/// What a bucket of notifications holds, which gets one a second, too; so a second batch of that size comes so many seconds too early.
const BATCH: u32 = 15;
/// Said once by an instance when Redis goes.
const ALONE: &str = "limits are kept by each instance alone";
/// On a busy machine Redis may once take too long for an instance.
const ATTEMPTS: u32 = 3;

fn limited() -> Value {
    let mut spec = secured_spec();
    let rate = |burst: u32| json!({"perSecond": 1, "burst": burst});
    spec["api"]["scaling"] = json!({"fixed": {"replicas": 2}});
    spec["api"]["config"]["limits"] = json!({"user": rate(BURST), "publish": rate(BATCH)});
    spec
}

/// A token of somebody who has done nothing yet.
async fn newcomer(stack: &Stack) -> String {
    tokens::issued(stack, &format!("user-{}", Uuid::new_v4().simple()), &EVERYTHING).await
}

async fn list(instance: &Http, token: &str) -> Answer {
    let request = instance.request(Method::GET, "/api/notifications?limit=1").bearer_auth(token);
    instance.answer(request).await.expect("an answer")
}

/// How many of the answers let the request in. The others are refusals that say when to come again.
fn admitted(answers: &[Answer]) -> u32 {
    let refused = answers.iter().filter(|answer| answer.status != 200);
    for answer in refused.clone() {
        assert_eq!((answer.status, &answer.body["code"]), (429, &json!("TOO_MANY")), "{}", answer.body);
        assert!(seconds(answer) >= 1);
    }
    u32::try_from(answers.len() - refused.count()).expect("few")
}

/// `Retry-After`.
fn seconds(answer: &Answer) -> u64 {
    answer.header("retry-after").parse().unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Demands that so many got in as a full bucket has, and what it got meanwhile.
fn assert_bucket(admitted: u32, begun: Instant, what: &str) {
    let most = BURST + u32::try_from(begun.elapsed().as_secs()).expect("soon") + 1;
    assert!((BURST..=most).contains(&admitted), "{what}: {admitted} of a bucket of {BURST}, {most} by now");
}

/// Whether an instance has counted alone since that time.
async fn counted_alone(stack: &Stack, since: Timestamp) -> bool {
    let since = format!("--since-time={since:.0}");
    for pod in stack.pods(Component::Api).await {
        let log = kubectl::run(&["logs", "--namespace", &stack.namespace, &pod.name_any(), &since]).await;
        if log.contains(ALONE) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_limit_a_user_together_and_each_alone_without_redis() {
    SECURED
        .change(async |stack| {
            stack.apply(&limited()).await;
            stack.ready(START_LIMIT).await;
            let instances: Vec<Http> = stack.pod_urls(Component::Api).await.into_iter().map(Http::new).collect();
            let [one, other] = &instances[..] else { panic!("{} instances", instances.len()) };
            requests_are_counted_together(stack, one, other).await;
            who_comes_when_he_is_told_is_let_in(stack, one, other).await;

            let mut paused = limited();
            paused["operation"] = json!({"reconciliation": "Paused"});
            stack.apply(&paused).await;
            stack.condition(ConditionType::Paused, "is True", START_LIMIT, |it| it.status == "True").await;
            let begun = Timestamp::now();
            take_away(stack, Component::Redis).await;
            each_instance_counts_alone(stack, one, other).await;
            assert!(counted_alone(stack, begun).await, "nothing was said of it");
        })
        .await;
}

async fn requests_are_counted_together(stack: &Stack, one: &Http, other: &Http) {
    for attempt in 1..=ATTEMPTS {
        let (token, begun, since) = (newcomer(stack).await, Instant::now(), Timestamp::now());
        let (mut at_one, mut at_other) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (first, second) = join(list(one, &token), list(other, &token)).await;
            at_one.push(first);
            at_other.push(second);
        }
        if attempt < ATTEMPTS && counted_alone(stack, since).await {
            continue;
        }
        let (at_one, at_other) = (admitted(&at_one), admitted(&at_other));
        eprintln!("{at_one} and {at_other} of {ROUNDS} each after {:?}", begun.elapsed());
        assert!(at_one > 0 && at_other > 0, "both instances let somebody in: {at_one}, {at_other}");
        assert_bucket(at_one + at_other, begun, "both instances together");
        return;
    }
}

async fn batch(instance: &Http, token: &str) -> Answer {
    let notifications: Vec<Value> = (0..BATCH).map(|number| json!({"message": format!("limited {number}")})).collect();
    let request = instance.request(Method::POST, "/api/notifications/batch").bearer_auth(token);
    instance.answer(request.json(&json!({"notifications": notifications}))).await.expect("an answer")
}

async fn who_comes_when_he_is_told_is_let_in(stack: &Stack, one: &Http, other: &Http) {
    let token = newcomer(stack).await;
    let begun = Instant::now();
    assert_eq!(batch(one, &token).await.status, 201);
    for instance in [other, one] {
        let refused = batch(instance, &token).await;
        assert_eq!((refused.status, &refused.body["code"]), (429, &json!("TOO_MANY")), "{}", refused.body);
        let (told, elapsed) = (seconds(&refused), begun.elapsed().as_secs());
        let full = u64::from(BATCH);
        assert!((full.saturating_sub(elapsed + 1)..=full).contains(&told), "{told} s after {elapsed} s");
    }
    let told = seconds(&batch(other, &token).await);
    // As a client does which is told so.
    tokio::time::sleep(Duration::from_secs(told)).await;
    let taken = batch(other, &token).await;
    assert_eq!(taken.status, 201, "after {told} s: {}", taken.body);
}

async fn each_instance_counts_alone(stack: &Stack, one: &Http, other: &Http) {
    let (token, begun) = (newcomer(stack).await, Instant::now());
    for (instance, name) in [(one, "one instance"), (other, "the other one")] {
        // One after the other: it is the limit that is to refuse, not a Postgres that has too much to do.
        let mut answers = Vec::new();
        for _ in 0..ROUNDS * 2 {
            answers.push(list(instance, &token).await);
        }
        let admitted = admitted(&answers);
        eprintln!("without Redis {name} let {admitted} of {} in after {:?}", ROUNDS * 2, begun.elapsed());
        assert_bucket(admitted, begun, name);
    }
}
