//! What arrives of a notification that was posted.

use std::time::Duration;

use realtime_contract::Component;
use realtime_e2e::clients::{self, Transport};
use realtime_e2e::fixture::REPLICATED;
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::{POST, shell};
use super::{assert_time, names};

const PATIENCE: Duration = Duration::from_secs(15);

/// Posts when the stream is there, and ends when what was posted has come; shows the answers to both as they are.
const LISTEN_AND_POST: &str = r#"curl -N --max-time 20 $API/api/sse/notifications | while IFS= read -r line; do
    printf '%s\n' "$line"
    case "$line" in
        *'"connection"'*) curl -X POST $API/api/notifications -H "Content-Type: application/json" -d 'BODY'; printf '\n';;
        'data: '*'MESSAGE'*) break;;
    esac
done"#;

#[tokio::test]
async fn what_arrives_by_each_transport_is_what_the_post_was_answered_but_for_its_status() {
    REPLICATED
        .look(async |stack| {
            let mut socket = clients::socket_io(&stack.url(Component::Api).await, Transport::WebSocket).await;
            let message = format!("whole {}", Uuid::new_v4());
            let body = json!({"message": message, "type": "order", "channel": "orders"}).to_string();
            // Numbers and letters that can be written in several ways.
            let data = r#"{"z":1.50,"a":[ 1, "caf\u00e9", null ],"big":12345678901234567890123,"A":{"a":1}}"#;
            let body = format!("{},\"data\":{data}}}", body.trim_end_matches('}'));
            let answer = shell(stack, &LISTEN_AND_POST.replace("BODY", &body).replace("MESSAGE", &message)).await;
            let line = |begin: &str| {
                let found = answer.body.lines().find(|line| line.starts_with(begin) && line.contains(&message));
                found.unwrap_or_else(|| panic!("no line begins with {begin}: {}", answer.body)).to_owned()
            };
            let (posted, streamed) = (line(r#"{"id":"#), line("data: "));
            let processed = posted.replace(r#""status":"pending""#, r#""status":"processed""#);
            assert_eq!(streamed, format!("data: {processed}"));
            let mut expected: Value = serde_json::from_str(&processed).expect("it is JSON");
            let is_it = |it: &Value| it["event"] == "notification" && it["data"]["message"] == message.as_str();
            let mut arrived = socket.arrivals.wait("notification", PATIENCE, is_it).await.data().clone();
            assert_eq!(names(&arrived), ["id", "message", "type", "channel", "status", "timestamp", "data"]);
            // JavaScript has no number of so many digits.
            for notification in [&mut expected, &mut arrived] {
                assert!(notification["data"]["big"].take().is_number());
            }
            assert_eq!(arrived, expected);
        })
        .await;
}

#[tokio::test]
async fn the_stream_of_notifications_begins_with_its_connection_and_has_one_object_a_frame() {
    REPLICATED
        .look(async |stack| {
            let post = POST.replace("Test notification", "for the stream");
            // Posts when the stream is there, and ends when what was posted has come.
            let line = format!(
                r#"curl -N --max-time 20 $API/api/sse/notifications | while IFS= read -r line; do
                    printf '%s\n' "$line"
                    case "$line" in
                        *'"connection"'*) {post} --output /dev/null;;
                        *'"for the stream"'*) break;;
                    esac
                done"#
            );
            let answer = shell(stack, &line).await;
            answer.assert_header("content-type", "text/event-stream");
            answer.assert_header("cache-control", "no-cache, no-transform");
            answer.assert_header("x-accel-buffering", "no");
            let data = answer.data();
            assert_eq!(
                (names(&data[0]), &data[0]["type"]),
                (vec!["type", "message", "timestamp"], &json!("connection"))
            );
            assert_eq!(data[0]["message"], "Connected to notifications stream");
            assert_time(&data[0]["timestamp"]);
            assert!(data.iter().any(|it| it["message"] == "for the stream" && it["status"] == "processed"), "{data:?}");
        })
        .await;
}
