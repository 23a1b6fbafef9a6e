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
mod tests;
