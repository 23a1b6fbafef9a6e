//! The history of notifications, and the command that compares the table with what it leads to.

use std::time::Duration;

use kube::ResourceExt;
use realtime_contract::{Component, topic};
use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::{Stack, eventually, kubectl};
use serde_json::{Value, json};
use uuid::Uuid;

/// What happens behind a POST takes less.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs `rebuild` in the consumer's pod: whether it ended with 0, its lines about these notifications, and its summary.
async fn rebuild(stack: &Stack, options: &[&str], ids: &[&str]) -> (bool, Vec<Value>, Value) {
    let pod = stack.pods(Component::Consumer).await.first().expect("a consumer runs").name_any();
    let command = [&["/realtime-consumer", "rebuild"], options].concat();
    let output = kubectl::exec(&stack.namespace, &pod, &command, "").await;
    let mut lines: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}{}", output.stderr)))
        .collect();
    let summary = lines.pop().unwrap_or_else(|| panic!("it says nothing: {}", output.stderr));
    lines.retain(|line| ids.iter().any(|id| line["id"] == *id));
    (output.success, lines, summary)
}

async fn count(stack: &Stack, condition: &str) -> String {
    stack.query(&format!("SELECT count(*) FROM {condition}")).await
}

/// A notification that the API took, processed by now.
async fn posted(stack: &Stack, message: &str) -> String {
    let body = json!({"message": message, "data": {"z": [1.50, "ä"], "a": null}}).to_string();
    let answer = stack.api().await.post("application/json", body).await.expect("the API answers");
    let id = answer.body["id"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned();
    processed(stack, &id).await;
    id
}

async fn processed(stack: &Stack, id: &str) {
    eventually("the notification is processed", PATIENCE, async || {
        match count(stack, &format!("notifications WHERE id = '{id}' AND status = 'processed'")).await.as_str() {
            "1" => Ok(()),
            other => Err(format!("{other} rows")),
        }
    })
    .await;
}

/// A notification that another producer wrote into Kafka.
async fn produced(stack: &Stack) -> String {
    let id = Uuid::now_v7().to_string();
    let time = "2026-11-21T06:00:00.123456Z";
    let notification = json!({
        "id": id, "message": "of another producer", "type": "info", "channel": "default", "status": "pending",
        "timestamp": time, "data": {"z": 1, "a": 2},
    });
    let event =
        json!({"id": Uuid::now_v7(), "type": "NotificationCreated", "timestamp": time, "notification": notification});
    stack.produce(topic::NOTIFICATIONS, &event.to_string()).await;
    processed(stack, &id).await;
    id
}

#[tokio::test]
async fn the_history_of_every_notification_is_whole_whoever_sent_it_and_mends_what_was_damaged() {
    REPLICATED
        .look(async |stack| {
            let (changed, lost, forgotten) =
                (posted(stack, "changed").await, posted(stack, "lost").await, posted(stack, "forgotten").await);
            let foreign = produced(stack).await;
            let ids = [changed.as_str(), &lost, &forgotten, &foreign];
            let types =
                format!("SELECT string_agg(type, ',' ORDER BY ordinal) FROM events WHERE aggregate_id = '{foreign}'");
            assert_eq!(stack.query(&types).await, "NotificationCreated,NotificationProcessed");
            let (_, lines, summary) = rebuild(stack, &[], &ids).await;
            assert_eq!(lines, Vec::<Value>::new(), "{summary}");
            assert!(summary["summary"]["notifications"].as_u64() >= Some(4), "{summary}");
            let before = rows(stack, &ids).await;

            stack
                .query(&format!(
                    "UPDATE notifications SET message = 'damaged', status = 'pending' WHERE id = '{changed}'"
                ))
                .await;
            stack.query(&format!("DELETE FROM notifications WHERE id = '{lost}'")).await;
            stack.query(&format!("DELETE FROM events WHERE aggregate_id = '{forgotten}'")).await;
            let (equal, mut lines, _) = rebuild(stack, &[], &ids).await;
            assert!(!equal, "{lines:?}");
            lines.sort_by_key(|line| ids.iter().position(|id| line["id"] == *id));
            let told: Vec<(&Value, &Value)> = lines.iter().map(|line| (&line["difference"], &line["field"])).collect();
            let field = json!("field");
            assert_eq!(
                told,
                [
                    (&field, &json!("message")),
                    (&field, &json!("status")),
                    (&json!("row-missing"), &Value::Null),
                    (&json!("creation-missing"), &Value::Null)
                ]
            );
            assert_eq!((&lines[0]["stored"], &lines[0]["rebuilt"]), (&json!("damaged"), &json!("changed")));
            assert_ne!(rows(stack, &ids).await, before, "it only looks unless it is told to write");

            let (_, lines, _) = rebuild(stack, &["--write"], &ids).await;
            assert!(lines.len() == 4 && lines.iter().all(|line| line["repaired"] == true), "{lines:?}");
            assert_eq!(rows(stack, &ids).await, before);
            let (equal, lines, summary) = rebuild(stack, &[], &ids).await;
            assert_eq!(lines, Vec::<Value>::new(), "{summary}");
            assert!(equal || summary["summary"]["differences"] != 0, "{summary}");
        })
        .await;
}

async fn rows(stack: &Stack, ids: &[&str]) -> String {
    let list = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
    stack.query(&format!("SELECT n::text FROM notifications AS n WHERE id IN ({list}) ORDER BY id")).await
}
