use serde_json::{Value, json};

use super::super::operation::{Operation, id, notification, shape};
use super::{Described, described};
use crate::documents::{schemas, shapes};

const TAG: &str = "inboxes";

pub(super) fn all() -> Vec<Described> {
    described([
        ("/api/users/{user}/notifications", "get", inbox()),
        ("/api/users/{user}/notifications/{id}/read", "put", mark("markRead", "Mark a notification as read", true)),
        (
            "/api/users/{user}/notifications/{id}/read",
            "delete",
            mark("markUnread", "Mark a notification as unread", false),
        ),
        ("/api/users/{user}/notifications/read", "put", mark_all()),
    ])
}

fn of_user(operation: Operation) -> Operation {
    let schema = json!({"type": "string", "minLength": 1, "maxLength": 123, "pattern": "^[A-Za-z0-9._:/@|+=~-]+$"});
    operation.path("user", schema, "The user; `me` is the one of the token").problems(&[400, 403])
}

fn example(read_at: Value) -> Value {
    let mut example = notification("processed");
    example["channel"] = "user:ada".into();
    example["readAt"] = read_at;
    example
}

fn inbox() -> Operation {
    let operation = Operation::guarded(TAG, "getInbox", "The inbox of a user")
        .about("The notifications on the channel `user:<user>`, newest first.")
        .json(200, "A page", schemas::list::<shapes::InboxNotification>(), json!([example(Value::Null)]));
    of_user(operation)
        .paged()
        .list(
            "type",
            json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[^,]+$"}),
            "Only of these types",
        )
        .query("read", json!({"type": "boolean"}), "Only what was read, or only what was not")
        .tells(200, "X-Unread-Count", "How many are unread, up to 1000, then `1000+`")
}

fn mark(name: &str, summary: &str, is_read: bool) -> Operation {
    let read_at = if is_read { json!("2026-11-21T08:00:00.000Z") } else { Value::Null };
    let operation = Operation::guarded(TAG, name, summary).about("Once more changes nothing.");
    of_user(operation)
        .path("id", id(), "The notification's id")
        .json(200, "The notification", shape("InboxNotification"), example(read_at))
        .problems(&[404])
}

fn mark_all() -> Operation {
    of_user(Operation::guarded(TAG, "markAllRead", "Mark all notifications of an inbox as read")).json(
        200,
        "How many were unread",
        shape("Change"),
        json!({"changed": 3, "complete": true}),
    )
}
