//! What clients of the namespace `/` are told.

use jiff::Timestamp;
use realtime_contract::time::milliseconds;
use realtime_socketio::{Arguments, Emission};
use serde::Serialize;
use serde_json::{json, value::RawValue};
use tracing::warn;
use uuid::Uuid;

use crate::{cursor::FeedCursor, feed::gap_data, history::Piece};

/// The event of a notification, also in what the engine renders.
pub(crate) const EVENT: &str = "notification";
/// The event that says what a client does not get.
const GAP: &str = "gap";
/// The event that says until when the client may stay.
pub(super) const EXPIRING: &str = "expiring";
/// The event that has nothing but a cursor: where the client is, though little of the feed came to it.
pub(super) const PLACE: &str = "cursor";

/// The first event of a client.
pub(super) fn connected(socket: &str, recovered: bool) -> Arguments {
    Arguments::new().with(&json!({
        "message": "Connected to notifications",
        "id": socket,
        "timestamp": now(),
        "recovered": recovered,
    }))
}

/// The answer to a ping.
pub(super) fn pong() -> Arguments {
    Arguments::new().with(&json!({ "timestamp": now() }))
}

/// The answer to a message: its first argument as it came, with the bytes that belong to it.
pub(super) fn message(arguments: &Arguments) -> Arguments {
    #[derive(Serialize)]
    struct Answer<'a> {
        received: bool,
        data: &'a RawValue,
        timestamp: String,
    }
    let data = arguments.values().first().map_or(RawValue::NULL, |value| value);
    let answer = Arguments::new().with(&Answer { received: true, data, timestamp: now() });
    Arguments::from_parts(answer.values().to_vec(), arguments.attachments().to_vec())
}

/// A part of a history as an event. What the feed holds is JSON.
pub(super) fn emission(epoch: Uuid, piece: Piece<'_>) -> Option<Emission> {
    let (event, arguments, position) = match piece {
        Piece::Gap(gap) => (GAP, Arguments::new().with(&gap_data(epoch, gap)), gap.to),
        Piece::Entry(entry) => match RawValue::from_string(entry.notification.clone()) {
            Ok(notification) => (EVENT, Arguments::new().with_text(notification), entry.position),
            Err(error) => {
                let (error, position) = (&error as &dyn std::error::Error, entry.position);
                warn!(position, error, "notification in the feed is not JSON");
                return None;
            }
        },
    };
    let cursor = Some(FeedCursor { epoch, position }.to_string());
    Some(Emission { event: event.into(), arguments, cursor })
}

fn now() -> String {
    milliseconds(Timestamp::now())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use realtime_contract::feed::FeedEntry;

    use super::*;

    const EPOCH: Uuid = Uuid::from_u128(7);

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn a_message_comes_back_as_it_was_with_its_bytes() {
        let placeholder = r#"{"file":{"_placeholder":true,"num":0}}"#;
        let bytes = Bytes::from_static(b"\0\x01");
        let answer = message(&Arguments::from_parts(vec![raw(placeholder), raw("2")], vec![bytes.clone()]));
        let [answered] = answer.values() else { panic!("{answer:?}") };
        assert!(
            answered.get().starts_with(&format!("{{\"received\":true,\"data\":{placeholder},\"timestamp\":\"")),
            "{answered}"
        );
        assert_eq!(answer.attachments(), [bytes]);
    }

    #[test]
    fn a_message_of_nothing_is_null() {
        let answer = message(&Arguments::new());
        assert!(answer.values()[0].get().contains("\"data\":null"), "{answer:?}");
    }

    #[test]
    fn a_notification_of_the_history_keeps_its_bytes_and_has_its_place() {
        let notification = r#"{"id":"x", "message":"hello"}"#;
        let entry = FeedEntry {
            position: 9,
            event_id: Uuid::nil(),
            channel: "orders".to_owned(),
            notification: notification.to_owned(),
            traceparent: None,
        };
        let emission = emission(EPOCH, Piece::Entry(&entry)).unwrap();
        assert_eq!(emission.event, "notification");
        assert_eq!(emission.arguments.values()[0].get(), notification);
        assert_eq!(emission.cursor, Some(format!("{EPOCH}-9")));
    }
}
