//! What a record says, or why it says nothing.

use realtime_contract::event::{JsonText, Notification, NotificationCreated};
use thiserror::Error;

/// Why a record becomes a dead letter.
#[derive(Debug, Error)]
pub(crate) enum Rejection {
    /// A record without value.
    #[error("failed to read the record: it has no value")]
    ReadValue,
    /// Not the JSON that it should be.
    #[error("failed to read the record as NotificationCreated: {source}")]
    ReadShape {
        /// Which field, and what stands there. A dead letter is all that is left of the record, so its reason says everything at once.
        source: serde_json::Error,
    },
    /// JSON of that shape, but another event.
    #[error("failed to read the record as NotificationCreated: its type is {kind:?}")]
    ReadType {
        /// What stands in its place.
        kind: String,
    },
    /// Postgres has no such text.
    #[error("failed to store the notification: its text contains the character U+0000")]
    StoreText,
    /// Data that Postgres or clients cannot read.
    #[error("failed to store the notification's data: {source}")]
    StoreData {
        /// What stands there.
        source: serde_json::Error,
    },
    /// Postgres refused the row.
    #[error("failed to store the notification: {reason}")]
    StoreRow {
        /// The server's message.
        reason: String,
    },
}

/// Reads a record's value.
pub(crate) fn read(payload: Option<&[u8]>) -> Result<NotificationCreated, Rejection> {
    let payload = payload.ok_or(Rejection::ReadValue)?;
    let event: NotificationCreated =
        serde_json::from_slice(payload).map_err(|source| Rejection::ReadShape { source })?;
    if event.kind != NotificationCreated::TYPE {
        return Err(Rejection::ReadType { kind: event.kind });
    }
    check(&event.notification)?;
    Ok(event)
}

fn check(notification: &Notification) -> Result<(), Rejection> {
    let texts = [&notification.message, &notification.kind, &notification.channel];
    if texts.into_iter().any(|text| text.contains('\0')) {
        return Err(Rejection::StoreText);
    }
    notification.data.as_ref().map_or(Ok(()), JsonText::check).map_err(|source| Rejection::StoreData { source })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn payload(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut event = json!({
            "id": "0192d3a4-0000-7000-8000-000000000001",
            "type": "NotificationCreated",
            "timestamp": "2026-11-21T06:00:00Z",
            "notification": {
                "id": "0192d3a4-0000-7000-8000-000000000002", "message": "hello", "type": "info",
                "channel": "default", "status": "pending", "timestamp": "2026-11-21T06:00:00Z",
                "data": {"list": ["text"]},
            },
        });
        change(&mut event);
        event.to_string().into_bytes()
    }

    fn reason(change: impl FnOnce(&mut Value)) -> String {
        read(Some(&payload(change))).unwrap_err().to_string()
    }

    #[test]
    fn reads_a_notification() {
        assert_eq!(read(Some(&payload(|_| ()))).unwrap().notification.message, "hello");
    }

    #[test]
    fn refuses_a_record_without_value() {
        assert!(matches!(read(None), Err(Rejection::ReadValue)));
    }

    #[test]
    fn refuses_another_shape_and_names_the_field() {
        let said = reason(|event| drop(event["notification"].as_object_mut().unwrap().remove("channel")));
        assert!(said.contains("missing field `channel`"), "{said}");
    }

    #[test]
    fn refuses_another_type_of_event() {
        assert!(reason(|event| event["type"] = "NotificationDeleted".into()).contains("NotificationDeleted"));
    }

    #[test]
    fn refuses_text_that_postgres_cannot_store() {
        assert!(reason(|event| event["notification"]["message"] = "a\0b".into()).contains("U+0000"));
        assert!(reason(|event| event["notification"]["data"]["list"][0] = "\0".into()).contains("U+0000"));
        assert!(reason(|event| event["notification"]["data"] = json!({"\0": 1})).contains("U+0000"));
    }

    #[test]
    fn refuses_data_that_clients_cannot_read() {
        let text = String::from_utf8(payload(|_| ())).unwrap().replace(r#"["text"]"#, "[1e999]");
        let said = read(Some(text.as_bytes())).unwrap_err().to_string();
        assert!(said.contains("number out of range"), "{said}");
    }
}
