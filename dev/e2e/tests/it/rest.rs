//! REST: lists by filters and pages, single notifications and their histories, inboxes, and requests that are carried out once.

mod idempotency;
mod inbox;
mod lists;

use std::time::Duration;

use realtime_e2e::http::{Answer, Http};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// What goes through Kafka is there within this time.
const PATIENCE: Duration = Duration::from_secs(30);

const ONE: &str = "/api/notifications";
const SEVERAL: &str = "/api/notifications/batch";

/// A name that no other test has.
fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", Uuid::new_v4().simple())
}

async fn send(api: &Http, method: Method, path: &str) -> Answer {
    api.answer(api.request(method, path)).await.expect("the API answers")
}

async fn get(api: &Http, path: &str) -> Answer {
    let answer = send(api, Method::GET, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer
}

/// Posts a body, with a key if there is one.
async fn try_post(api: &Http, path: &str, body: &Value, key: Option<&str>) -> Result<Answer, String> {
    let request = api.request(Method::POST, path).json(body);
    let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
    api.answer(request).await
}

async fn post(api: &Http, path: &str, body: &Value, key: Option<&str>) -> Answer {
    try_post(api, path, body, key).await.expect("the API answers")
}

/// Posts what must be accepted, and gives the answer's body.
async fn accepted(api: &Http, path: &str, body: &Value) -> Value {
    let answer = post(api, path, body, None).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

fn batch(notifications: &[Value]) -> Value {
    json!({ "notifications": notifications })
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is no text: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

fn ids(value: &Value) -> Vec<&str> {
    list(value).iter().map(|entry| text(entry, "id")).collect()
}

/// The path of the next page, out of `Link`.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link").strip_prefix('<')?;
    link.split_once(">; rel=\"next\"").map(|(path, _)| path.to_owned())
}

/// All pages from that path on, and how many there were.
async fn pages(api: &Http, path: &str) -> (Vec<Value>, usize) {
    let (mut found, mut path, mut count) = (Vec::new(), Some(path.to_owned()), 0);
    while let Some(page) = path {
        let answer = get(api, &page).await;
        found.extend(list(&answer.body).iter().cloned());
        path = next(&answer);
        count += 1;
    }
    (found, count)
}
