//! Lists, and one notification.

use realtime_e2e::eventually;
use realtime_e2e::fixture::REPLICATED;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ONE, PATIENCE, SEVERAL, accepted, batch, get, ids, list, pages, send, text, unique};

#[tokio::test]
async fn filters_and_pages_lead_through_all_that_is_asked_for() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let [orders, stock, other] = ["orders", "stock", "other"].map(unique);
            let mut wanted = Vec::new();
            for round in 0..10 {
                let draft = |channel: &str, kind: &str| json!({"message": "m", "channel": channel, "type": kind, "data": round});
                let drafts = [
                    draft(&orders, "warning"),
                    draft(&orders, "info"),
                    draft(&stock, "warning"),
                    draft(&other, "warning"),
                    draft(&stock, "error"),
                ];
                let answer = accepted(&api, SEVERAL, &batch(&drafts)).await;
                wanted.extend([0, 2, 4].map(|index| text(&answer[index], "id").to_owned()));
            }
            wanted.reverse();
            let path = format!("{ONE}?limit=7&channel={stock},{orders}&type=warning,error");
            let (found, count) = pages(&api, &path).await;
            assert_eq!(ids(&Value::from(found)), wanted, "newest first, each once");
            assert_eq!(count, 5, "30 on pages of 7");
            let (found, _) = pages(&api, &format!("{ONE}?limit=200&channel={other}")).await;
            assert_eq!(found.len(), 10);
        })
        .await;
}

#[tokio::test]
async fn notifications_are_found_by_how_far_they_have_come() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let channel = unique("status");
            let drafts = vec![json!({"message": "m", "channel": channel}); 5];
            let posted = accepted(&api, SEVERAL, &batch(&drafts)).await;
            eventually("all are processed", PATIENCE, async || {
                let processed = get(&api, &format!("{ONE}?channel={channel}&status=processed")).await.body;
                if list(&processed).len() == 5 { Ok(()) } else { Err(processed.to_string()) }
            })
            .await;
            let pending = get(&api, &format!("{ONE}?channel={channel}&status=pending")).await.body;
            assert_eq!(pending, json!([]));
            let (all, _) = pages(&api, &format!("{ONE}?channel={channel}")).await;
            let mut posted = ids(&posted);
            posted.reverse();
            assert_eq!(ids(&Value::from(all)), posted);
        })
        .await;
}

#[tokio::test]
async fn the_list_of_all_has_no_notification_of_a_user() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let kind = unique("kind");
            let user = unique("u");
            let drafts = [json!({"message": "m", "type": kind, "user": user}), json!({"message": "m", "type": kind})];
            let posted = accepted(&api, SEVERAL, &batch(&drafts)).await;
            assert_eq!(posted[0]["channel"], format!("user:{user}"));
            let (found, _) = pages(&api, &format!("{ONE}?type={kind}")).await;
            assert_eq!(ids(&Value::from(found)), [text(&posted[1], "id")]);
            let (found, _) = pages(&api, &format!("{ONE}?channel=user:{user}")).await;
            assert_eq!(ids(&Value::from(found)), [text(&posted[0], "id")]);
        })
        .await;
}

#[tokio::test]
async fn a_notification_is_read_alone_and_has_a_history() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let body = json!({"message": "alone", "data": {"b": 1, "a": [2]}});
            let posted = accepted(&api, ONE, &body).await;
            let path = format!("{ONE}/{}", text(&posted, "id"));
            let history = eventually("it is processed", PATIENCE, async || {
                let history = get(&api, &format!("{path}/events")).await.body;
                if list(&history).len() == 2 { Ok(history) } else { Err(history.to_string()) }
            })
            .await;
            let kinds: Vec<&str> = list(&history).iter().map(|event| text(event, "type")).collect();
            assert_eq!(kinds, ["NotificationCreated", "NotificationProcessed"]);
            assert_eq!(history[0]["data"]["notification"], posted, "as it was answered");
            assert_eq!(history[0]["timestamp"], posted["timestamp"]);
            assert!(history[1]["data"]["position"].is_u64(), "{history}");
            let mut processed = posted.clone();
            processed["status"] = "processed".into();
            assert_eq!(get(&api, &path).await.body, processed);
            let (events, count) = pages(&api, &format!("{path}/events?limit=1")).await;
            assert_eq!((Value::from(events), count), (history, 2));
        })
        .await;
}

#[tokio::test]
async fn a_notification_that_is_none_is_not_found() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            for path in ["", "/events"].map(|rest| format!("{ONE}/{}{rest}", Uuid::new_v4())) {
                let answer = send(&api, Method::GET, &path).await;
                assert_eq!((answer.status, text(&answer.body, "title")), (404, "Not Found"), "{path}");
                assert_eq!(answer.header("content-type"), "application/problem+json");
            }
        })
        .await;
}
