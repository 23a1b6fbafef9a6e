use serde_json::json;

use super::*;

const ID: Uuid = Uuid::from_u128(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn event(kind: &str, second: i64, payload: &str) -> Event {
    Event { id: Uuid::from_u128(9), kind: kind.to_owned(), payload: payload.to_owned(), occurred_at: at(second) }
}

fn created(message: &str, data: &str) -> String {
    let notification = json!({
        "id": ID, "message": message, "type": "info", "channel": "default", "status": "pending",
        "timestamp": "2026-11-21T06:00:00.000Z",
    });
    let event =
        json!({"id": ID, "type": CREATED, "timestamp": "2026-11-21T06:00:00.000Z", "notification": notification});
    event.to_string().replacen("}}", &format!(",\"data\":{data}}}}}"), 1)
}

fn past(events: &[(&str, i64, &str)]) -> Past {
    let mut past = Past::default();
    for (kind, second, payload) in events {
        past.apply(ID, &event(kind, *second, payload));
    }
    past
}

fn times(past: &Past) -> (String, Option<Timestamp>, Option<Timestamp>) {
    let state = past.state().unwrap();
    (state.status, state.processed_at, state.read_at)
}

#[test]
fn a_creation_leads_to_a_pending_row_with_the_senders_bytes_and_the_time_of_the_event() {
    let state = past(&[(CREATED, 5, &created("hello", "{\"b\": 1.50}"))]).state().unwrap();
    assert_eq!((state.message.as_str(), state.status.as_str(), state.created_at), ("hello", "pending", at(5)));
    assert_eq!(state.data.unwrap().text(), "{\"b\": 1.50}");
    assert_eq!((state.processed_at, state.read_at), (None, None));
}

#[test]
fn what_was_processed_twice_has_the_first_time() {
    let past = past(&[(CREATED, 1, &created("m", "1")), (PROCESSED, 2, "{}"), (PROCESSED, 3, "{}")]);
    assert_eq!(times(&past), ("processed".to_owned(), Some(at(2)), None));
}

#[test]
fn what_was_read_and_unread_and_read_is_read_since_the_last_time() {
    let first = created("m", "1");
    let events = [(CREATED, 1, first.as_str()), (READ, 2, "{}"), (UNREAD, 3, "{}"), (READ, 4, "{}"), (READ, 5, "{}")];
    let read_at = |count: usize| times(&past(&events[..count])).2;
    assert_eq!([2, 3, 4, 5].map(read_at), [Some(at(2)), None, Some(at(4)), Some(at(4))]);
}

#[test]
fn the_order_of_the_events_counts_and_not_their_times() {
    let past = past(&[(CREATED, 9, &created("m", "1")), (PROCESSED, 2, "{}"), (READ, 8, "{}"), (UNREAD, 7, "{}")]);
    assert_eq!(times(&past), ("processed".to_owned(), Some(at(2)), None));
}

#[test]
fn a_second_creation_changes_nothing_and_other_types_say_nothing() {
    let past =
        past(&[(CREATED, 1, &created("first", "1")), (CREATED, 2, &created("second", "2")), ("Archived", 3, "[]")]);
    let state = past.state().unwrap();
    assert_eq!((state.message.as_str(), state.created_at), ("first", at(1)));
    assert_eq!(past.unreadable, []);
}

#[test]
fn a_creation_that_is_none_or_of_another_notification_is_named() {
    let other = created("m", "1").replacen(&ID.to_string(), &Uuid::from_u128(2).to_string(), 2);
    let past = past(&[(CREATED, 1, "{}"), (CREATED, 1, &other)]);
    assert!(past.state().is_none());
    let reasons: Vec<&str> = past.unreadable.iter().map(|it| it.reason.as_str()).collect();
    assert!(reasons[0].contains("missing field"), "{reasons:?}");
    assert_eq!(reasons[1], "it speaks of notification 00000000-0000-0000-0000-000000000002");
}

#[test]
fn a_history_without_a_creation_lacks_what_the_row_tells() {
    let whole = past(&[(CREATED, 1, &created("m", "1")), (PROCESSED, 2, "{}"), (READ, 3, "{}")]);
    let row = whole.state().unwrap();
    assert_eq!(whole.missing_events(&row), []);
    assert_eq!(past(&[]).missing_events(&row), [(CREATED, at(1)), (PROCESSED, at(2)), (READ, at(3))]);
    assert_eq!(past(&[(PROCESSED, 2, "{}"), (READ, 3, "{}")]).missing_events(&row), [(CREATED, at(1))]);
}
