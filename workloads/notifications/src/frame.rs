//! Data of `/events/stream`: one JSON object each, in the form of the service that is replaced.

use jiff::Timestamp;
use realtime_contract::time::milliseconds;
use serde_json::json;

/// What a connection begins with.
pub(crate) fn connection(now: Timestamp) -> String {
    let message = "Connected to notifications stream";
    json!({ "type": "connection", "message": message, "timestamp": milliseconds(now) }).to_string()
}

/// What says that the connection lives.
pub(crate) fn heartbeat(now: Timestamp) -> String {
    json!({ "type": "heartbeat", "timestamp": milliseconds(now) }).to_string()
}

/// What clients get of a record: its text as it came, with `broadcastTimestamp` spliced in as the last field. The record must be the text of a
/// JSON object that is not empty.
pub(crate) fn event(record: &str, now: Timestamp) -> String {
    let text = record.trim_end();
    let fields = text.strip_suffix('}').unwrap_or(text).trim_end();
    format!("{fields},\"broadcastTimestamp\":\"{}\"}}", milliseconds(now))
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
            r#"{"type":"connection","message":"Connected to notifications stream","timestamp":"2026-11-21T06:00:00.500Z"}"#
        );
    }

    #[test]
    fn beats_in_the_replaced_services_form() {
        assert_eq!(heartbeat(now()), r#"{"type":"heartbeat","timestamp":"2026-11-21T06:00:00.500Z"}"#);
    }

    #[test]
    fn splices_the_time_into_the_records_own_bytes() {
        let record = r#"{"id": "event-123","z":1.50,"product":{"id":"p"}}"#;
        assert_eq!(
            event(record, now()),
            r#"{"id": "event-123","z":1.50,"product":{"id":"p"},"broadcastTimestamp":"2026-11-21T06:00:00.500Z"}"#
        );
    }

    #[test]
    fn leaves_the_lines_of_a_record_alone() {
        assert_eq!(
            event("{\n  \"id\": \"e\"\n}\n", now()),
            "{\n  \"id\": \"e\",\"broadcastTimestamp\":\"2026-11-21T06:00:00.500Z\"}"
        );
    }
}
