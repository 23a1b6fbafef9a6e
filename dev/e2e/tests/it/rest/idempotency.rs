//! Requests that are carried out once, however often they are made.

use std::time::Duration;

use futures::future::join_all;
use realtime_contract::Component;
use realtime_e2e::fixture::{DEFAULT, REPLICATED};
use realtime_e2e::http::Http;
use realtime_e2e::{Stack, container, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ONE, SEVERAL, batch, ids, post, text, try_post, unique};

/// Requests with keys that are made while Postgres dies.
const REQUESTS: usize = 40;
/// Postgres is back within this time and every request is answered; old keys are forgotten within it, too.
const RECOVERY: Duration = Duration::from_secs(90);

fn key() -> String {
    Uuid::new_v4().to_string()
}

async fn stored(stack: &Stack, message: &str) -> String {
    stack.query(&format!("SELECT count(*) FROM notifications WHERE message LIKE '{message}%'")).await
}

#[tokio::test]
async fn a_request_that_is_made_again_is_answered_again() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let (message, key) = (unique("again"), key());
            let body = json!({"message": message, "data": {"z": 1, "a": 2}});
            let first = post(&api, ONE, &body, Some(&key)).await;
            assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""), "{}", first.body);
            for _ in 0..3 {
                let again = post(&api, ONE, &body, Some(&key)).await;
                assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
                assert_eq!(again.body.to_string(), first.body.to_string());
            }
            let other = post(&api, ONE, &json!({"message": message}), Some(&key)).await;
            assert_eq!((other.status, text(&other.body, "code")), (422, "IDEMPOTENCY_KEY_REUSED"), "{}", other.body);
            assert_eq!(stored(stack, &message).await, "1");
            // Each route has its keys.
            let several = post(&api, SEVERAL, &batch(&[body]), Some(&key)).await;
            assert_eq!(several.status, 201, "{}", several.body);
            assert_eq!(stored(stack, &message).await, "2");
        })
        .await;
}

#[tokio::test]
async fn requests_with_one_key_at_the_same_time_are_one() {
    REPLICATED
        .look(async |stack| {
            let apis: Vec<Http> = stack.pod_urls(Component::Api).await.into_iter().map(Http::new).collect();
            let (message, key) = (unique("together"), key());
            let body = batch(&[json!({"message": message}), json!({"message": message})]);
            // On a busy machine one may wait for longer than requests do, and is told to come again with its key.
            let request = async |api: &Http| loop {
                let answer = post(api, SEVERAL, &body, Some(&key)).await;
                if answer.status != 503 {
                    return answer;
                }
            };
            let answers = join_all((0..20).map(|number| request(&apis[number % apis.len()]))).await;
            for answer in &answers {
                assert_eq!((answer.status, &answer.body), (201, &answers[0].body));
            }
            let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count();
            assert!(first <= 1, "{first} were carried out");
            assert_eq!(stored(stack, &message).await, "2");
        })
        .await;
}

#[tokio::test]
async fn a_batch_is_stored_whole_and_in_order_or_not_at_all() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let message = unique("whole");
            let draft = |number: usize| json!({"message": format!("{message}-{number}"), "channel": format!("c{}", number % 3)});
            let mut drafts: Vec<Value> = (0..100).map(draft).collect();
            drafts[57]["type"] = 7.into();
            let refused = post(&api, SEVERAL, &batch(&drafts), None).await;
            assert_eq!((refused.status, text(&refused.body, "field")), (422, "notifications[57].type"));
            assert_eq!(stored(stack, &message).await, "0");
            drafts[57]["type"] = "info".into();
            let answer = post(&api, SEVERAL, &batch(&drafts), None).await;
            assert_eq!((answer.status, ids(&answer.body).len()), (201, 100));
            for (number, notification) in answer.body.as_array().expect("a list").iter().enumerate() {
                assert_eq!(notification["message"], format!("{message}-{number}"));
            }
            let history = format!(
                "SELECT string_agg(payload->'notification'->>'message', ' ' ORDER BY ordinal) FROM events
                 WHERE payload->'notification'->>'message' LIKE '{message}-%'"
            );
            let order: Vec<String> = (0..100).map(|number| format!("{message}-{number}")).collect();
            assert_eq!(stack.query(&history).await, order.join(" "));
        })
        .await;
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    REPLICATED
        .look(async |stack| {
            let route = unique("route");
            let row = |key: &str, hours: u32| {
                format!("('', '{route}', '{key}', '', 201, '', now() - interval '{hours} hours')")
            };
            let rows = [row("old", 25), row("young", 23)].join(", ");
            let columns = "subject, route, key, body_hash, status, response, created_at";
            stack.query(&format!("INSERT INTO idempotency_keys ({columns}) VALUES {rows}")).await;
            eventually("the old key is forgotten", RECOVERY, async || {
                let keys = format!("SELECT string_agg(key, ' ') FROM idempotency_keys WHERE route = '{route}'");
                let keys = stack.query(&keys).await;
                if keys == "young" { Ok(()) } else { Err(keys) }
            })
            .await;
        })
        .await;
}

#[tokio::test]
async fn every_request_with_a_key_is_carried_out_once_while_postgres_dies() {
    DEFAULT
        .change(async |stack| {
            let api = stack.api().await;
            let message = unique("dies");
            let post = async |number: usize| {
                let (key, body) = (key(), json!({"message": format!("{message}-{number}")}));
                let what = format!("request {number} is answered");
                let answer = eventually(&what, RECOVERY, async || {
                    let answer = try_post(&api, ONE, &body, Some(&key)).await?;
                    if answer.status == 201 { Ok(answer) } else { Err(format!("{}: {}", answer.status, answer.body)) }
                })
                .await;
                text(&answer.body, "id").to_owned()
            };
            let pods = stack.pods(Component::Postgres).await;
            let half = async |from: usize| join_all((from..from + REQUESTS / 2).map(&post)).await;
            let kill = async { container::kill(&pods[0], "postgres") };
            let (first, (), second) = futures::join!(half(0), kill, half(REQUESTS / 2));
            let mut answered: Vec<String> = first.into_iter().chain(second).collect();
            answered.sort();
            let found = stack
                .query(&format!(
                    "SELECT string_agg(id::text, ' ' ORDER BY id) FROM notifications WHERE message LIKE '{message}-%'"
                ))
                .await;
            assert_eq!(found, answered.join(" "), "each answer is one notification, and there is no other");
        })
        .await;
}
