//! Notifications.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::JsonText;

/// Channel of a notification whose sender named none.
pub const DEFAULT_CHANNEL: &str = "default";
/// Type of a notification whose sender named none.
pub const DEFAULT_TYPE: &str = "info";

/// How far a notification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationStatus {
    /// Stored by the API, on its way through Kafka.
    Pending,
    /// Has its place in the feed: the final status.
    Processed,
}

impl NotificationStatus {
    /// The text in JSON and in Postgres.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processed => "processed",
        }
    }
}

/// A notification as clients see it, in this order of fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Identity, a version 7 UUID given by the API.
    pub id: Uuid,
    /// What the sender has to say.
    pub message: String,
    /// Free word of the sender: `info`, `warning`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Subject that clients subscribe to; the key in Kafka, so order holds in it.
    pub channel: String,
    /// How far it has come.
    pub status: NotificationStatus,
    /// When the API took it.
    #[serde(serialize_with = "crate::time::serialize")]
    pub timestamp: Timestamp,
    /// The sender's own data, as its text; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<JsonText>,
}

/// The record of topic `notifications`; its key is the notification's channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotificationCreated {
    /// Identity of the event: a second record with it is the same event.
    pub id: Uuid,
    /// Always [`NotificationCreated::TYPE`].
    #[serde(rename = "type")]
    pub kind: String,
    /// When the event happened.
    #[serde(serialize_with = "crate::time::serialize")]
    pub timestamp: Timestamp,
    /// The notification as it was stored, status `pending`.
    pub notification: Notification,
}

impl NotificationCreated {
    /// Value of the field `type`.
    pub const TYPE: &str = "NotificationCreated";

    /// The event that says: this notification was stored at its own timestamp.
    pub fn new(id: Uuid, notification: Notification) -> Self {
        Self { id, kind: Self::TYPE.to_owned(), timestamp: notification.timestamp, notification }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: &str = r#"{"id":"0192d3a4-0000-7000-8000-000000000001","type":"NotificationCreated","timestamp":"2026-11-21T06:00:00.123Z","notification":{"id":"0192d3a4-0000-7000-8000-000000000002","message":"hello","type":"info","channel":"default","status":"pending","timestamp":"2026-11-21T06:00:00.123Z"}}"#;

    fn notification(data: Option<JsonText>) -> Notification {
        Notification {
            id: "0192d3a4-0000-7000-8000-000000000002".parse().unwrap(),
            message: "hello".into(),
            kind: DEFAULT_TYPE.into(),
            channel: DEFAULT_CHANNEL.into(),
            status: NotificationStatus::Pending,
            timestamp: "2026-11-21T06:00:00.123Z".parse().unwrap(),
            data,
        }
    }

    #[test]
    fn the_created_event_has_its_golden_form() {
        let event =
            NotificationCreated::new("0192d3a4-0000-7000-8000-000000000001".parse().unwrap(), notification(None));
        assert_eq!(serde_json::to_string(&event).unwrap(), CREATED);
    }

    #[test]
    fn the_golden_form_reads_back() {
        let event: NotificationCreated = serde_json::from_str(CREATED).unwrap();
        assert_eq!(event.notification, notification(None));
    }

    #[test]
    fn data_stands_last_and_unchanged() {
        let data = JsonText::from_text(r#"{"z": 1.50, "a":[true]}"#.to_owned()).unwrap();
        let text = serde_json::to_string(&notification(Some(data.clone()))).unwrap();
        assert!(text.ends_with(r#""data":{"z": 1.50, "a":[true]}}"#), "{text}");
        assert_eq!(serde_json::from_str::<Notification>(&text).unwrap().data, Some(data));
    }

    #[test]
    fn names_of_statuses_are_those_of_their_json() {
        for status in [NotificationStatus::Pending, NotificationStatus::Processed] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }

    #[test]
    fn a_notification_without_message_is_refused() {
        let text = CREATED.replace(r#""message":"hello","#, "");
        let error = serde_json::from_str::<NotificationCreated>(&text).unwrap_err();
        assert!(error.to_string().contains("missing field `message`"), "{error}");
    }
}
