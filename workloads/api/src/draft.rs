//! A notification as a client posts it, checked field by field.

pub(crate) mod batch;

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use realtime_access::{Access, Refusal};
use realtime_chassis::http::Problem;
use realtime_contract::{
    channel::{OF_USERS, is_channel, is_user, of_user},
    event::{DEFAULT_CHANNEL, DEFAULT_TYPE, JsonText, Notification, NotificationStatus},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::ApiError;

/// Bytes of a body at most.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// Characters of a type at most.
pub(crate) const TYPE_LENGTH: usize = 64;

/// What a client wants to say. Unknown fields are ignored, since clients of the replaced service send them.
#[derive(Debug, PartialEq)]
pub(crate) struct Draft {
    /// Not blank.
    message: String,
    /// `type`: 1 to 64 characters.
    kind: String,
    channel: String,
    /// Whom it names: `channel`, or `user` for the channel of that user.
    addressed_by: &'static str,
    data: Option<JsonText>,
}

impl Draft {
    /// Reads the body of a POST.
    pub(crate) fn from_body(body: &[u8]) -> Result<Self, ApiError> {
        let value =
            serde_json::from_slice(body).map_err(|error| ApiError::MalformedBody { reason: error.to_string() })?;
        Self::from_value(value)
    }

    fn from_value(value: Value) -> Result<Self, ApiError> {
        let Value::Object(mut fields) = value else {
            return Err(ApiError::field(WHOLE, "must be a JSON object"));
        };
        let data = fields.remove("data").filter(|data| !data.is_null());
        if data.as_ref().is_some_and(holds_nul) {
            return Err(ApiError::field("data", "must not contain the character U+0000"));
        }
        let data = data.map(|data| JsonText::of(&data)).transpose();
        let data = data.map_err(|error| ApiError::MalformedBody { reason: error.to_string() })?;
        let (message, kind) = (message(&mut fields)?, kind(&mut fields)?);
        let (channel, addressed_by) = channel(&mut fields)?;
        Ok(Self { message, kind, channel, addressed_by, data })
    }

    /// Refuses what the client may not publish.
    pub(crate) fn permit(&self, access: &Access) -> Result<(), ApiError> {
        if access.may_publish(&self.channel) {
            return Ok(());
        }
        let refusal = Refusal::Channel;
        let problem = Problem::new(refusal.status(), refusal.to_string()).code(refusal.code());
        Err(ApiError::Other(Box::new(problem.field(self.addressed_by))))
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

/// The field that stands for the whole body.
const WHOLE: &str = "body";

/// Postgres keeps microseconds, clients read milliseconds: cut once, so that all say the same.
fn whole_milliseconds(now: Timestamp) -> Timestamp {
    let down = TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Trunc);
    now.round(down).unwrap_or(now)
}

/// Refuses a body that is declared as something else than JSON.
pub(crate) fn expect_json(headers: &HeaderMap) -> Result<(), ApiError> {
    if is_json(headers) { Ok(()) } else { Err(ApiError::UnsupportedMediaType) }
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

/// The channel, and the field that named it.
fn channel(fields: &mut Map<String, Value>) -> Result<(String, &'static str), ApiError> {
    let (user, channel) = (text(fields, "user")?, text(fields, "channel")?);
    match (user, channel) {
        (Some(_), Some(_)) => {
            Err(ApiError::field("user", "cannot stand beside channel: a notification goes to one of them"))
        }
        (Some(user), None) if is_user(&user) => Ok((of_user(&user), "user")),
        (Some(_), None) => {
            Err(ApiError::field("user", "must have 1 to 123 characters of A-Z a-z 0-9 . _ : / - @ | + = ~"))
        }
        (None, Some(channel)) if channel == OF_USERS => {
            Err(ApiError::field("channel", "must have the id of a user behind user:"))
        }
        (None, Some(channel)) if is_channel(&channel) => Ok((channel, "channel")),
        (None, Some(_)) => {
            Err(ApiError::field("channel", "must have 1 to 128 characters of A-Z a-z 0-9 . _ : / - @ | + = ~"))
        }
        (None, None) => Ok((DEFAULT_CHANNEL.to_owned(), "channel")),
    }
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

/// Postgres' texts cannot hold that character, which is what clients of the history and of the database make of it.
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
        let expect = |declared: &str| {
            expect_json(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(declared).unwrap())]))
        };
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
}
