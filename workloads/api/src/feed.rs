//! What goes to clients: a feed entry as a frame of the stream.

use bytes::Bytes;
use jiff::Timestamp;
use realtime_contract::feed::FeedEntry;
use realtime_contract::time::milliseconds;
use realtime_fanout::sse::Frame;
use serde_json::json;
use uuid::Uuid;

use crate::cursor::FeedCursor;

/// The frame of a notification: the feed's own bytes behind their cursor.
pub(crate) fn notification_frame(epoch: Uuid, entry: &FeedEntry) -> Bytes {
    let cursor = FeedCursor { epoch, position: entry.position };
    Frame::new().id(&cursor.to_string()).data(&entry.notification).encode()
}

/// The first frame of a connection; its cursor is where the connection begins.
pub(crate) fn connection_frame(cursor: FeedCursor, now: Timestamp) -> Bytes {
    let data = json!({
        "type": "connection",
        "message": "Connected to notifications stream",
        "timestamp": milliseconds(now),
    });
    Frame::new().id(&cursor.to_string()).data(&data.to_string()).encode()
}

/// A comment for proxies, and a fresh cursor for a client whose filter lets little through. Clients see no event.
pub(crate) fn heartbeat_frame(cursor: Option<FeedCursor>) -> Bytes {
    let frame = Frame::new().comment("heartbeat");
    cursor.map_or(frame.clone(), |cursor| frame.id(&cursor.to_string())).encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(position: u64) -> FeedCursor {
        FeedCursor { epoch: "0192d3a4-0000-7000-8000-000000000001".parse().unwrap(), position }
    }

    #[test]
    fn a_notification_keeps_its_bytes() {
        let entry = FeedEntry {
            position: 7,
            event_id: Uuid::nil(),
            channel: "default".to_owned(),
            notification: r#"{"id":"x", "message":"hello"}"#.to_owned(),
            traceparent: None,
        };
        assert_eq!(
            notification_frame(cursor(7).epoch, &entry),
            "id: 0192d3a4-0000-7000-8000-000000000001-7\ndata: {\"id\":\"x\", \"message\":\"hello\"}\n\n"
        );
    }

    #[test]
    fn a_connection_begins_with_its_greeting() {
        let now = "2026-11-21T06:00:00.12Z".parse().unwrap();
        assert_eq!(
            connection_frame(cursor(3), now),
            "id: 0192d3a4-0000-7000-8000-000000000001-3\ndata: {\"type\":\"connection\",\"message\":\"Connected to notifications \
             stream\",\"timestamp\":\"2026-11-21T06:00:00.120Z\"}\n\n"
        );
    }

    #[test]
    fn a_heartbeat_is_a_comment_with_a_cursor() {
        assert_eq!(heartbeat_frame(Some(cursor(9))), ": heartbeat\nid: 0192d3a4-0000-7000-8000-000000000001-9\n\n");
        assert_eq!(heartbeat_frame(None), ": heartbeat\n\n");
    }
}
