use std::collections::BTreeSet;

use axum::{http::HeaderValue, response::IntoResponse};
use realtime_access::Scope;

use super::*;

fn read(body: &str) -> Result<Draft, ApiError> {
    Draft::from_body(body.as_bytes())
}

fn refusal(body: &str) -> (u16, String) {
    let error = read(body).unwrap_err();
    let text = error.to_string();
    (error.into_response().status().as_u16(), text)
}

#[test]
fn takes_a_message_alone_and_fills_in_the_rest() {
    let draft = read(r#"{"message":"hello"}"#).unwrap();
    assert_eq!((draft.kind.as_str(), draft.channel.as_str(), draft.data), ("info", "default", None));
}

#[test]
fn takes_all_fields_and_ignores_unknown_ones() {
    let draft = read(r#"{"message":"m","type":"warning","channel":"shop:1","data":{"b":1,"a":2},"userId":7}"#).unwrap();
    assert_eq!((draft.kind.as_str(), draft.channel.as_str()), ("warning", "shop:1"));
    assert_eq!(draft.data.unwrap().text(), r#"{"b":1,"a":2}"#);
}

#[test]
fn counts_null_as_absent() {
    let draft = read(r#"{"message":"m","type":null,"channel":null,"data":null}"#).unwrap();
    assert_eq!((draft.kind.as_str(), draft.channel.as_str(), draft.data), ("info", "default", None));
}

#[test]
fn refuses_a_missing_or_empty_message_by_name() {
    assert_eq!(refusal("{}"), (422, "message is missing".to_owned()));
    assert_eq!(refusal(r#"{"message":" "}"#), (422, "message must not be empty".to_owned()));
}

#[test]
fn refuses_wrong_types_by_name() {
    assert_eq!(refusal(r#"{"message":7}"#), (422, "message must be a string".to_owned()));
    assert_eq!(refusal(r#"{"message":"m","type":[]}"#), (422, "type must be a string".to_owned()));
    assert_eq!(refusal("[]"), (422, "body must be a JSON object".to_owned()));
}

#[test]
fn refuses_malformed_json() {
    let (status, text) = refusal("{\"message\":");
    assert_eq!(status, 400);
    assert!(text.starts_with("the body is not valid JSON"), "{text}");
}

#[test]
fn refuses_what_postgres_cannot_store() {
    assert_eq!(refusal(r#"{"message":"a\u0000b"}"#).0, 422);
    let (status, text) = refusal(r#"{"message":"m","data":{"list":["\u0000"]}}"#);
    assert_eq!((status, text.as_str()), (422, "data must not contain the character U+0000"));
}

#[test]
fn refuses_channels_that_a_query_could_not_name() {
    for channel in ["", "a,b", "a b", "ä", &"x".repeat(129)] {
        assert_eq!(refusal(&format!(r#"{{"message":"m","channel":"{channel}"}}"#)).0, 422, "{channel}");
    }
}

#[test]
fn refuses_bodies_that_are_not_declared_as_json() {
    let expect =
        |declared: &str| expect_json(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(declared).unwrap())]));
    for declared in ["text/plain", "application/x-www-form-urlencoded", ""] {
        assert!(matches!(expect(declared), Err(ApiError::UnsupportedMediaType)), "{declared}");
    }
    assert!(expect("application/json; charset=utf-8").is_ok() && expect("application/cloudevents+json").is_ok());
}

#[test]
fn goes_to_the_channel_of_a_user() {
    let draft = read(r#"{"message":"m","user":"auth0|7","channel":null}"#).unwrap();
    assert_eq!(draft.channel, "user:auth0|7");
    assert_eq!(read(r#"{"message":"m","channel":"user:7"}"#).unwrap().channel, "user:7");
}

#[test]
fn refuses_what_is_no_user_and_two_addressees() {
    for body in [r#"{"message":"m","user":"7","channel":"orders"}"#, r#"{"message":"m","user":"a b"}"#] {
        let (status, text) = refusal(body);
        assert!(status == 422 && text.starts_with("user "), "{text}");
    }
    assert!(refusal(r#"{"message":"m","channel":"user:"}"#).1.starts_with("channel must have the id"));
}

#[test]
fn refuses_a_channel_that_the_client_may_not_publish_to_by_the_name_it_gave() {
    let access = Access { publish: Scope::Patterns(BTreeSet::new()), ..Access::anonymous() };
    for (body, field) in [(r#"{"message":"m"}"#, "channel"), (r#"{"message":"m","user":"7"}"#, "user")] {
        let draft = read(body).unwrap();
        assert!(draft.permit(&Access::anonymous()).is_ok());
        let Err(ApiError::Other(problem)) = draft.permit(&access) else { unreachable!("it is permitted") };
        assert_eq!(
            (problem.status, problem.field.as_deref(), problem.code),
            (403, Some(field), Some("CHANNEL_FORBIDDEN"))
        );
    }
}

#[test]
fn cuts_the_timestamp_to_milliseconds() {
    let now: Timestamp = "2026-11-21T06:00:00.123999Z".parse().unwrap();
    let notification = read(r#"{"message":"m"}"#).unwrap().accept(now);
    assert_eq!(notification.timestamp.to_string(), "2026-11-21T06:00:00.123Z");
    assert_eq!(notification.status, NotificationStatus::Pending);
}
