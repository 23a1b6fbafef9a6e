//! A notification as a client posts it, checked field by field.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use realtime_contract::event::{DEFAULT_CHANNEL, DEFAULT_TYPE, JsonText, Notification, NotificationStatus};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::ApiError;

/// Bytes of a body at most.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

const CHANNEL_LENGTH: usize = 128;
const TYPE_LENGTH: usize = 64;

/// What a client wants to say. Unknown fields are ignored, since clients of the replaced service send them.
#[derive(Debug, PartialEq)]
pub(crate) struct Draft {
    message: String,
    kind: String,
    channel: String,
    data: Option<JsonText>,
}

impl Draft {
    /// Reads the body of a POST.
    pub(crate) fn from_request(headers: &HeaderMap, body: &[u8]) -> Result<Self, ApiError> {
        if !is_json(headers) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let value =
            serde_json::from_slice(body).map_err(|error| ApiError::MalformedBody { reason: error.to_string() })?;
        let Value::Object(mut fields) = value else {
            return Err(ApiError::field("body", "must be a JSON object"));
        };
        let data = fields.remove("data").filter(|data| !data.is_null());
        if data.as_ref().is_some_and(holds_nul) {
            return Err(ApiError::field("data", "must not contain the character U+0000"));
        }
        let data = data.map(|data| JsonText::of(&data)).transpose();
        let data = data.map_err(|error| ApiError::MalformedBody { reason: error.to_string() })?;
        Ok(Self { message: message(&mut fields)?, kind: kind(&mut fields)?, channel: channel(&mut fields)?, data })
    }

    /// The notification that is stored, with a new identity.
    pub(crate) fn accept(self, now: Timestamp) -> Notification {
        Notification {
            id: Uuid::now_v7(),
            message: self.message,
            kind: self.kind,
            channel: self.channel,
            status: NotificationStatus::Pending,
            timestamp: whole_milliseconds(now),
            data: self.data,
        }
    }
}

/// Postgres keeps microseconds, clients read milliseconds: cut once, so that all say the same.
fn whole_milliseconds(now: Timestamp) -> Timestamp {
    let down = TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Trunc);
    now.round(down).unwrap_or(now)
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn message(fields: &mut Map<String, Value>) -> Result<String, ApiError> {
    let message = text(fields, "message")?.ok_or_else(|| ApiError::field("message", "is missing"))?;
    if message.trim().is_empty() {
        return Err(ApiError::field("message", "must not be empty"));
    }
    Ok(message)
}

fn kind(fields: &mut Map<String, Value>) -> Result<String, ApiError> {
    let kind = text(fields, "type")?.unwrap_or_else(|| DEFAULT_TYPE.to_owned());
    match kind.chars().count() {
        1..=TYPE_LENGTH => Ok(kind),
        _ => Err(ApiError::field("type", "must have 1 to 64 characters")),
    }
}

fn channel(fields: &mut Map<String, Value>) -> Result<String, ApiError> {
    let channel = text(fields, "channel")?.unwrap_or_else(|| DEFAULT_CHANNEL.to_owned());
    if is_channel(&channel) {
        return Ok(channel);
    }
    Err(ApiError::field("channel", "must have 1 to 128 characters of A-Z a-z 0-9 . _ : / -"))
}

/// Whether the text can name a channel. A comma cannot stand in one: it separates them in queries.
pub(crate) fn is_channel(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    (1..=CHANNEL_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

/// The text of a field; `null` counts as absent.
fn text(fields: &mut Map<String, Value>, field: &'static str) -> Result<Option<String>, ApiError> {
    match fields.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.contains('\0') => {
            Err(ApiError::field(field, "must not contain the character U+0000"))
        }
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ApiError::field(field, "must be a string")),
    }
}

/// Postgres' `jsonb`, in which events are kept, cannot hold that character.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::{http::HeaderValue, response::IntoResponse};

    use super::*;

    fn json_headers() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))])
    }

    fn read(body: &str) -> Result<Draft, ApiError> {
        Draft::from_request(&json_headers(), body.as_bytes())
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
        let draft =
            read(r#"{"message":"m","type":"warning","channel":"shop:1","data":{"b":1,"a":2},"userId":7}"#).unwrap();
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
        for declared in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(declared).unwrap())]);
            let error = Draft::from_request(&headers, br#"{"message":"m"}"#).unwrap_err();
            assert!(matches!(error, ApiError::UnsupportedMediaType), "{declared}: {error}");
        }
    }

    #[test]
    fn cuts_the_timestamp_to_milliseconds() {
        let now: Timestamp = "2026-11-21T06:00:00.123999Z".parse().unwrap();
        let notification = read(r#"{"message":"m"}"#).unwrap().accept(now);
        assert_eq!(notification.timestamp.to_string(), "2026-11-21T06:00:00.123Z");
        assert_eq!(notification.status, NotificationStatus::Pending);
    }
}
