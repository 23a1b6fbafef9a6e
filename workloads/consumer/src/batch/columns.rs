//! Rows by column, as `unnest` takes them.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use realtime_contract::event::{Notification, NotificationCreated, NotificationStatus};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Item;

/// Columns of `offsets`.
#[derive(Debug, Default)]
pub(crate) struct OffsetRows {
    pub(crate) partitions: Vec<i32>,
    pub(crate) expected: Vec<i64>,
    pub(crate) next: Vec<i64>,
}

impl OffsetRows {
    /// Of each partition its number, the offset that is expected, and the one that is next.
    pub(crate) fn of(moves: &[(i32, i64, i64)]) -> Self {
        Self {
            partitions: moves.iter().map(|(partition, ..)| *partition).collect(),
            expected: moves.iter().map(|(_, expected, _)| *expected).collect(),
            next: moves.iter().map(|(.., next)| *next).collect(),
        }
    }
}

pub(super) fn offsets(expected: &BTreeMap<i32, i64>, next: &BTreeMap<i32, i64>) -> OffsetRows {
    OffsetRows {
        partitions: next.keys().copied().collect(),
        expected: next.keys().map(|partition| expected[partition]).collect(),
        next: next.values().copied().collect(),
    }
}

/// Columns of `dead_letters`.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters {
    pub(crate) partitions: Vec<i32>,
    pub(crate) offsets: Vec<i64>,
    pub(crate) reasons: Vec<String>,
    pub(crate) keys: Vec<Option<Vec<u8>>>,
    pub(crate) payloads: Vec<Option<Vec<u8>>>,
    pub(crate) headers: Vec<Value>,
}

impl DeadLetters {
    /// The rejected records.
    pub(crate) fn of(items: &[Item]) -> Self {
        let mut rows = Self::default();
        for item in items {
            if let Err(rejection) = &item.verdict {
                rows.partitions.push(item.record.partition);
                rows.offsets.push(item.record.offset);
                rows.reasons.push(storable(&rejection.to_string()));
                rows.keys.push(item.record.key.clone());
                rows.payloads.push(item.record.payload.clone());
                rows.headers.push(headers(&item.record.headers));
            }
        }
        rows
    }
}

fn headers(headers: &HashMap<String, String>) -> Value {
    headers.iter().map(|(name, value)| (storable(name), Value::from(storable(value)))).collect()
}

/// Postgres has no text with U+0000.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// Columns of `notifications`, one row a notification, and beside them of its creation in the history.
#[derive(Debug, Default)]
pub(crate) struct NotificationRows {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) messages: Vec<String>,
    pub(crate) kinds: Vec<String>,
    pub(crate) channels: Vec<String>,
    pub(crate) data: Vec<Option<String>>,
    pub(crate) timestamps: Vec<Timestamp>,
    pub(crate) events: Vec<String>,
    pub(crate) trace_contexts: Vec<Value>,
}

impl NotificationRows {
    /// The notifications of the batch; of several records of one notification the first.
    pub(crate) fn of(items: &[Item]) -> Self {
        let mut rows = Self::default();
        let mut seen = HashSet::new();
        for (event, item) in events(items) {
            let notification = &event.notification;
            if seen.insert(notification.id) {
                rows.ids.push(notification.id);
                rows.messages.push(notification.message.clone());
                rows.kinds.push(notification.kind.clone());
                rows.channels.push(notification.channel.clone());
                rows.data.push(notification.data.as_ref().map(|data| data.text().to_owned()));
                rows.timestamps.push(notification.timestamp);
                rows.events.push(created(event));
                rows.trace_contexts.push(json!(item.carrier));
            }
        }
        rows
    }
}

/// Columns of `feed` and, beside them, of the history.
#[derive(Debug, Default)]
pub(crate) struct FeedRows {
    pub(crate) event_ids: Vec<Uuid>,
    pub(crate) notification_ids: Vec<Uuid>,
    pub(crate) channels: Vec<String>,
    pub(crate) notifications: Vec<String>,
    pub(crate) traceparents: Vec<Option<String>>,
    pub(crate) trace_contexts: Vec<Value>,
}

impl FeedRows {
    /// The events of the batch in their order; of several records of one event the first.
    pub(crate) fn of(items: &[Item]) -> Self {
        let mut rows = Self::default();
        let mut seen = HashSet::new();
        for (event, item) in events(items) {
            if seen.insert(event.id) {
                rows.event_ids.push(event.id);
                rows.notification_ids.push(event.notification.id);
                rows.channels.push(event.notification.channel.clone());
                rows.notifications.push(processed(&event.notification));
                rows.traceparents.push(item.carrier.get("traceparent").cloned());
                rows.trace_contexts.push(json!(item.carrier));
            }
        }
        rows
    }
}

fn events(items: &[Item]) -> impl Iterator<Item = (&NotificationCreated, &Item)> {
    items.iter().filter_map(|item| item.verdict.as_ref().ok().map(|event| (event, item)))
}

/// The event as the API would have written it into the history.
fn created(event: &NotificationCreated) -> String {
    let notification = Notification { status: NotificationStatus::Pending, ..event.notification.clone() };
    let event = NotificationCreated { notification, ..event.clone() };
    serde_json::to_string(&event).expect("texts, times and JSON have a form in JSON")
}

/// The notification as clients get it, on one line.
fn processed(notification: &Notification) -> String {
    let processed = Notification { status: NotificationStatus::Processed, ..notification.clone() };
    let text = serde_json::to_string(&processed).expect("texts, a time and JSON have a form in JSON");
    // Only the sender's data can have line breaks, and only between its tokens: in JSON, those of a text are escaped.
    if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::record::Record;

    const EVENT: &str = r#"{"id":"0192d3a4-0000-7000-8000-000000000001","type":"NotificationCreated","timestamp":"2026-11-21T06:00:00Z","notification":{"id":"0192d3a4-0000-7000-8000-000000000002","message":"hello","type":"info","channel":"default","status":"pending","timestamp":"2026-11-21T06:00:00Z"}}"#;

    fn items(payloads: &[&str]) -> Vec<Item> {
        let record = |(offset, payload): (i64, &&str)| Record {
            offset,
            payload: Some(payload.as_bytes().to_vec()),
            ..Record::default()
        };
        Batch::of((0..).zip(payloads).map(record).collect(), Uuid::nil(), &[(0, 0)].into()).items
    }

    #[test]
    fn the_feed_has_the_processed_notification_byte_for_byte() {
        let rows = FeedRows::of(&items(&[EVENT]));
        let expected = r#"{"id":"0192d3a4-0000-7000-8000-000000000002","message":"hello","type":"info","channel":"default","status":"processed","timestamp":"2026-11-21T06:00:00.000Z"}"#;
        assert_eq!(rows.notifications, [expected]);
    }

    #[test]
    fn the_feed_has_data_on_one_line_and_else_unchanged() {
        let event = EVENT.replacen("}}", ",\"data\":{\n \"z\": 1.50,\r\n \"a\": \"x\\n\"}}}", 1);
        let items = items(&[&event]);
        let expected = r#","data":{  "z": 1.50,   "a": "x\n"}}"#;
        let notification = &FeedRows::of(&items).notifications[0];
        assert!(notification.ends_with(expected), "{notification}");
        assert_eq!(NotificationRows::of(&items).data[0].as_deref(), Some("{\n \"z\": 1.50,\r\n \"a\": \"x\\n\"}"));
    }

    #[test]
    fn the_history_has_the_event_with_the_producers_data_byte_for_byte_and_its_beginning_as_status() {
        let record = EVENT.replacen("pending", "processed", 1).replacen("}}", ",\"data\":{ \"z\": 1.50}}}", 1);
        let rows = NotificationRows::of(&items(&[&record]));
        let event: NotificationCreated = serde_json::from_str(&rows.events[0]).unwrap();
        assert_eq!(event.notification.status, NotificationStatus::Pending);
        assert_eq!(event.notification.data.unwrap().text(), "{ \"z\": 1.50}");
        assert_eq!(
            (event.id, rows.trace_contexts.len()),
            (Uuid::from_u128(0x0192_d3a4_0000_7000_8000_0000_0000_0001), 1)
        );
    }

    #[test]
    fn a_second_record_of_an_event_makes_no_second_row() {
        let items = items(&[EVENT, EVENT]);
        assert_eq!(FeedRows::of(&items).event_ids.len(), 1);
        assert_eq!(NotificationRows::of(&items).ids.len(), 1);
    }

    #[test]
    fn another_event_of_a_notification_makes_a_feed_row_but_no_second_notification() {
        let other = EVENT.replacen("000000000001", "000000000003", 1);
        let items = items(&[EVENT, &other]);
        assert_eq!(FeedRows::of(&items).event_ids.len(), 2);
        assert_eq!(NotificationRows::of(&items).ids.len(), 1);
    }

    #[test]
    fn a_dead_letter_keeps_the_bytes_and_loses_what_postgres_cannot_store() {
        let mut items = items(&["{\"id\":\"\\u0000\"}", EVENT]);
        items[0].record.headers = [("trace\0".to_owned(), "a\0b".to_owned())].into();
        let letters = DeadLetters::of(&items);
        assert_eq!(letters.payloads, [Some(b"{\"id\":\"\\u0000\"}".to_vec())]);
        assert_eq!(letters.headers, [json!({"trace\u{FFFD}": "a\u{FFFD}b"})]);
        assert!(!letters.reasons[0].contains('\0'));
    }
}
