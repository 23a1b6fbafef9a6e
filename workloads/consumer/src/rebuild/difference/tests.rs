use realtime_contract::event::history::{CREATED, PROCESSED};
use serde_json::{Value, json};

use super::super::past::Event;
use super::*;

const ID: Uuid = Uuid::from_u128(1);

fn past(data: &str, kinds: &[&str]) -> Past {
    let payload = format!(
        r#"{{"id":"{ID}","type":"NotificationCreated","timestamp":"2026-11-21T06:00:00Z","notification":{{"id":"{ID}",
        "message":"m","type":"info","channel":"c","status":"pending","timestamp":"2026-11-21T06:00:00Z","data":{data}}}}}"#
    );
    let mut past = Past::default();
    for kind in kinds {
        let occurred_at = "2026-11-21T06:00:00.123456Z".parse().unwrap();
        past.apply(ID, &Event { id: ID, kind: (*kind).to_owned(), payload: payload.clone(), occurred_at });
    }
    past
}

fn lines(row: Option<&State>, past: &Past) -> Vec<Value> {
    compare(row, past).iter().map(|difference| json!(difference)).collect()
}

#[test]
fn a_row_that_is_what_its_history_leads_to_has_no_difference() {
    let past = past("{\"a\": 1}", &[CREATED, PROCESSED]);
    assert_eq!(lines(past.state().as_ref(), &past), Vec::<Value>::new());
}

#[test]
fn each_field_that_differs_is_a_line_of_its_own() {
    let past = past("[1]", &[CREATED, PROCESSED]);
    let mut row = past.state().unwrap();
    row.message = "other".to_owned();
    row.data = None;
    row.status = "pending".to_owned();
    row.processed_at = None;
    let expected = [
        json!({"difference": "field", "field": "message", "stored": "other", "rebuilt": "m"}),
        json!({"difference": "field", "field": "status", "stored": "pending", "rebuilt": "processed"}),
        json!({"difference": "field", "field": "data", "stored": null, "rebuilt": [1]}),
        json!({"difference": "field", "field": "processed_at", "stored": null, "rebuilt": "2026-11-21T06:00:00.123456Z"}),
    ];
    assert_eq!(lines(Some(&row), &past), expected);
}

#[test]
fn a_missing_row_is_shown_as_it_should_be() {
    let line = lines(None, &past("{}", &[CREATED])).remove(0);
    assert_eq!((&line["difference"], &line["rebuilt"]["message"]), (&json!("row-missing"), &json!("m")));
    assert_eq!(line["rebuilt"]["processed_at"], Value::Null);
}

#[test]
fn a_row_without_a_creation_is_told_with_what_it_has() {
    let row = past("{}", &[CREATED]).state();
    let line = lines(row.as_ref(), &past("{}", &[PROCESSED])).remove(0);
    assert_eq!((&line["difference"], &line["stored"]["message"]), (&json!("creation-missing"), &json!("m")));
    let line = lines(None, &past("{}", &[PROCESSED])).remove(0);
    assert_eq!(line, json!({"difference": "creation-missing", "stored": null}));
}

#[test]
fn an_event_that_cannot_be_read_is_a_difference_beside_what_it_leaves_missing() {
    let past = past("", &[CREATED]);
    let kinds: Vec<Value> = lines(None, &past).into_iter().map(|mut line| line["difference"].take()).collect();
    assert_eq!(kinds, ["event-unreadable", "creation-missing"]);
}
