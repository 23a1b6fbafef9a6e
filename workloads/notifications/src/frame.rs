//! Frames of `/events/stream`: default events, whose data is one JSON object.

use bytes::Bytes;
use jiff::Timestamp;
use realtime_contract::time::milliseconds;
use realtime_fanout::sse::Frame;
use serde_json::json;

/// The first frame of a connection.
pub(crate) fn connection(now: Timestamp) -> Bytes {
    let message = "Connected to notifications stream";
    data(&json!({ "type": "connection", "message": message, "timestamp": milliseconds(now) }).to_string())
}

/// The frame that says that the connection lives.
pub(crate) fn heartbeat(now: Timestamp) -> Bytes {
    data(&json!({ "type": "heartbeat", "timestamp": milliseconds(now) }).to_string())
}

/// The frame of a product event: the record as it came, with `broadcastTimestamp` spliced in as the last field. The record must be the
/// text of a JSON object that is not empty.
pub(crate) fn product_event(record: &str, now: Timestamp) -> Bytes {
    data(&event(record, now))
}

/// What clients get of a record: its text as it came, with `broadcastTimestamp` spliced in as the last field. The record must be the text of a
/// JSON object that is not empty.
pub(crate) fn event(record: &str, now: Timestamp) -> String {
    let text = record.trim_end();
    let fields = text.strip_suffix('}').unwrap_or(text).trim_end();
    format!("{fields},\"broadcastTimestamp\":\"{}\"}}", milliseconds(now))
}

fn data(text: &str) -> Bytes {
    Frame::new().data(text).encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T06:00:00.5Z".parse().unwrap()
    }

    #[test]
    fn greets_in_the_replaced_services_form() {
        assert_eq!(
            connection(now()),
            "data: {\"type\":\"connection\",\"message\":\"Connected to notifications stream\",\"timestamp\":\"2026-11-21T06:00:00.500Z\"}\n\n"
        );
    }

    #[test]
    fn beats_as_data() {
        assert_eq!(heartbeat(now()), "data: {\"type\":\"heartbeat\",\"timestamp\":\"2026-11-21T06:00:00.500Z\"}\n\n");
    }

    #[test]
    fn splices_the_time_into_the_records_own_bytes() {
        let record = r#"{"id": "event-123","z":1.50,"product":{"id":"p"}}"#;
        assert_eq!(
            product_event(record, now()),
            "data: {\"id\": \"event-123\",\"z\":1.50,\"product\":{\"id\":\"p\"},\"broadcastTimestamp\":\"2026-11-21T06:00:00.500Z\"}\n\n"
        );
    }

    #[test]
    fn keeps_a_record_of_several_lines_readable() {
        assert_eq!(
            product_event("{\n  \"id\": \"e\"\n}\n", now()),
            "data: {\ndata:   \"id\": \"e\",\"broadcastTimestamp\":\"2026-11-21T06:00:00.500Z\"}\n\n"
        );
    }
}
