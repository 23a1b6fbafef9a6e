//! What the API refuses: by status code, and by a problem that names the field.

use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::http::Answer;
use serde_json::json;

#[track_caller]
fn refuses(answer: &Answer, status: u16, field: &str) {
    assert_eq!((answer.status, &answer.body["field"]), (status, &json!(field)), "{}", answer.body);
    let sentence = answer.body["detail"].as_str().expect("the detail is a sentence");
    assert!(sentence.len() > 10, "{sentence}");
    let kind = answer.headers.get("content-type").and_then(|value| value.to_str().ok());
    assert_eq!(kind, Some("application/problem+json"));
}

/// Posts each body and expects that refusal of it.
async fn each_is_refused(cases: &[(&str, &str, u16, &str)]) {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            for (media_type, body, status, field) in cases {
                let answer = api.post(media_type, (*body).to_owned()).await.expect("the API answers");
                refuses(&answer, *status, field);
            }
        })
        .await;
}

#[tokio::test]
async fn malformed_json_is_refused() {
    each_is_refused(&[
        ("application/json", "", 400, "body"),
        ("application/json", "{\"message\":", 400, "body"),
        ("application/json", "message=hello", 400, "body"),
        ("application/json", "{\"message\":\"m\"} x", 400, "body"),
    ])
    .await;
}

#[tokio::test]
async fn another_content_type_is_refused() {
    let body = r#"{"message":"m"}"#;
    each_is_refused(&[
        ("text/plain", body, 415, "content-type"),
        ("application/x-www-form-urlencoded", "message=m", 415, "content-type"),
        ("", body, 415, "content-type"),
    ])
    .await;
}

#[tokio::test]
async fn too_large_a_body_is_refused() {
    let body = json!({"message": "m".repeat(70_000)}).to_string();
    each_is_refused(&[("application/json", &body, 413, "body")]).await;
}

#[tokio::test]
async fn wrong_types_are_refused() {
    each_is_refused(&[
        ("application/json", "[]", 422, "body"),
        ("application/json", "\"message\"", 422, "body"),
        ("application/json", r#"{"message":42}"#, 422, "message"),
        ("application/json", r#"{"message":{"text":"m"}}"#, 422, "message"),
        ("application/json", r#"{"message":"m","type":["info"]}"#, 422, "type"),
        ("application/json", r#"{"message":"m","channel":7}"#, 422, "channel"),
        ("application/json", r#"{"message":"m","channel":"a b"}"#, 422, "channel"),
    ])
    .await;
}

#[tokio::test]
async fn a_missing_message_is_refused() {
    each_is_refused(&[
        ("application/json", "{}", 422, "message"),
        ("application/json", r#"{"message":null}"#, 422, "message"),
        ("application/json", r#"{"message":"  ","type":"info"}"#, 422, "message"),
    ])
    .await;
}

#[tokio::test]
async fn nothing_that_was_refused_is_listed_or_stored() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let marker = format!("refused-{}", uuid::Uuid::new_v4());
            let body = json!({"message": marker, "type": 7}).to_string();
            refuses(&api.post("application/json", body).await.expect("the API answers"), 422, "type");
            let accepted = json!({"message": marker, "unknown": true}).to_string();
            let answer = api.post("application/json", accepted).await.expect("the API answers");
            assert_eq!(answer.status, 201, "unknown fields are ignored: {}", answer.body);
            let count = stack.query(&format!("SELECT count(*) FROM notifications WHERE message = '{marker}'")).await;
            assert_eq!(count, "1");
        })
        .await;
}
