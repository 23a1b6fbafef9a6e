use serde_json::{Value, json};

use super::super::operation::{Operation, channel, id, notification, shape};
use super::{Described, described};
use crate::documents::{schemas, shapes};

const TAG: &str = "notifications";

pub(super) fn all() -> Vec<Described> {
    described([
        ("/api/notifications", "get", list()),
        ("/api/notifications", "post", publish()),
        ("/api/notifications", "delete", clear_cache()),
        ("/api/notifications/batch", "post", publish_batch()),
        ("/api/notifications/{id}", "get", get()),
        ("/api/notifications/{id}/events", "get", history()),
    ])
}

fn list() -> Operation {
    Operation::guarded(TAG, "listNotifications", "The newest notifications")
        .about("Newest first. Of users' inboxes it has that of the token's own user, those that the token permits by a pattern, and those that are asked for by name.")
        .json(200, "A page", schemas::list::<shapes::Notification>(), json!([notification("processed")]))
        .paged()
        .list("channel", channel(), "Only of these channels")
        .list("type", json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[^,]+$"}), "Only of these types")
        .query("status", json!({"type": "string", "enum": ["pending", "processed"]}), "Only of this status")
        .tells(200, "X-Cache", "`hit` when the page was kept or was just read for somebody else, `miss` when it was read for this request, `bypass` while Redis is away")
        .problems(&[403])
}

fn draft() -> Value {
    json!({"message": "hello", "type": "info", "channel": "orders", "data": {"order": 7}})
}

fn publish() -> Operation {
    Operation::guarded(TAG, "publishNotification", "Publish a notification")
        .about("It is stored when this is answered, and sent to all who listen soon after. The body has up to 64 KiB.")
        .body(true, shape("Draft"), draft())
        .json(201, "The notification", shape("Notification"), notification("pending"))
        .leads_to("notification", "getNotification")
        .leads_to("history", "getHistory")
        .repeatable()
        .problems(&[403])
}

fn publish_batch() -> Operation {
    Operation::guarded(TAG, "publishBatch", "Publish up to 100 notifications, all or none")
        .about("The body has up to 1 MiB. A field that is wrong is named with its place: `notifications[3].message`.")
        .body(true, shape("Batch"), json!({"notifications": [draft()]}))
        .json(
            201,
            "The notifications in their order",
            schemas::list::<shapes::Notification>(),
            json!([notification("pending")]),
        )
        .repeatable()
        .problems(&[403])
}

fn clear_cache() -> Operation {
    Operation::guarded(TAG, "clearCache", "Clear the cache of lists, and no notification")
        .about("A token needs `*` in `publish`.")
        .json(200, "The cache is empty", shape("CacheCleared"), json!({"message": "Cache cleared"}))
        .problems(&[403])
}

fn get() -> Operation {
    Operation::guarded(TAG, "getNotification", "One notification")
        .path("id", id(), "Its id")
        .json(200, "The notification", shape("Notification"), notification("processed"))
        .problems(&[400, 404])
}

fn history() -> Operation {
    let event = json!({
        "id": "01a1fd12-6991-7144-98a7-4c194d7e9b73", "type": "NotificationCreated",
        "timestamp": "2026-11-21T07:46:44.753Z", "data": {"notification": notification("pending")},
    });
    Operation::guarded(TAG, "getHistory", "What happened to a notification")
        .about("Oldest first.")
        .path("id", id(), "Its id")
        .json(200, "A page of its events", schemas::list::<shapes::HistoryEvent>(), json!([event]))
        .paged()
        .problems(&[404])
}
