//! A stack that asks its clients for tokens.

mod choice;
mod console;
mod limits;
mod logs;
mod requests;
mod tokens;

use std::time::Duration;

use realtime_e2e::Stack;
use realtime_e2e::http::Http;
use reqwest::Method;
use serde_json::{Value, json};

/// What comes at once comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Options of the command for tokens: every channel but those of users.
const EVERYTHING: [&str; 4] = ["--channels", "*", "--publish", "*"];

/// Posts with that token: the notification's id.
async fn posted(stack: &Stack, token: &str, body: &Value) -> String {
    let api = stack.api().await;
    let request = api.request(Method::POST, "/api/notifications").bearer_auth(token).json(body);
    let answer = api.answer(request).await.expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["id"].as_str().expect("an id").to_owned()
}

/// The ticket for that token.
async fn ticket(api: &Http, token: &str) -> String {
    let request = api.request(Method::POST, "/api/tickets").bearer_auth(token).json(&json!({"cookie": true}));
    let answer = api.answer(request).await.expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["ticket"].as_str().expect("a ticket").to_owned()
}
