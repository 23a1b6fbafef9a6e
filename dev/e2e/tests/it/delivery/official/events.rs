//! What both sides say to one another in namespace `/`.

use realtime_contract::Component;
use realtime_e2e::clients::{self, Transport};
use realtime_e2e::fixture::REPLICATED;
use serde_json::{Value, json};

use super::PATIENCE;

/// Without the time, which differs.
fn timeless(mut value: Value) -> Value {
    let time = value.as_object_mut().and_then(|object| object.remove("timestamp"));
    let time = time.unwrap_or_default();
    let time = time.as_str().unwrap_or_default();
    assert!(time.len() == 24 && time.ends_with('Z'), "{time:?} is ISO 8601 in milliseconds");
    value
}

#[tokio::test]
async fn events_come_back_with_and_without_acknowledgements_by_each_transport() {
    REPLICATED
        .look(async |stack| {
            let url = stack.url(Component::Api).await;
            for transport in Transport::ALL {
                let mut client = clients::socket_io(&url, transport).await;
                let ready = client.connected_times(1, PATIENCE).await;
                let greeting = client.arrivals.wait("greeting", PATIENCE, |it| it["event"] == "connected").await;
                let id = &ready.data()["id"];
                let expected = json!({"message": "Connected to notifications", "id": id, "recovered": false});
                assert_eq!(timeless(greeting.data().clone()), expected);

                let data = json!({"text": "ä\u{1e}\"\\", "list": [1, null, true]});
                client.emit("message", std::slice::from_ref(&data)).await;
                let is_answer = |it: &Value| it["event"] == "message-ack" && it["data"]["data"] == data;
                let answer = client.arrivals.wait("message-ack", PATIENCE, is_answer).await;
                let expected = json!({"received": true, "data": data});
                assert_eq!(timeless(answer.data().clone()), expected, "{transport:?}");

                let answers = client.ask("message", &[json!("with a callback")]).await;
                let expected = json!({"received": true, "data": "with a callback"});
                assert_eq!(timeless(answers[0].clone()), expected, "{transport:?}");
                let of_ask = |it: &Value| it["event"] == "message-ack" && it["data"]["data"] == "with a callback";
                client.arrivals.wait("message-ack beside the callback", PATIENCE, of_ask).await;

                client.emit("ping", &[]).await;
                let pong = client.arrivals.nth("pong", 1, PATIENCE, |it| it["event"] == "pong").await;
                assert_eq!(timeless(pong.data().clone()), json!({}));
                assert_eq!(timeless(client.ask("ping", &[]).await[0].clone()), json!({}));
                client.arrivals.nth("pong", 2, PATIENCE, |it| it["event"] == "pong").await;
                assert_eq!(client.connections(), 1, "{:?}", client.arrivals.seen());
            }
        })
        .await;
}

#[tokio::test]
async fn bytes_come_back_unchanged_by_each_transport() {
    REPLICATED
        .look(async |stack| {
            let url = stack.url(Component::Api).await;
            for transport in Transport::ALL {
                let mut client = clients::socket_io(&url, transport).await;
                // 0 to 5 as bytes, and nothing as bytes.
                let data = json!({"first": {"base64": "AAECAwQF"}, "list": [{"base64": ""}, "text"]});
                client.emit("message", std::slice::from_ref(&data)).await;
                let answer = client.arrivals.wait("message-ack", PATIENCE, |it| it["event"] == "message-ack").await;
                assert_eq!(answer.data()["data"], data, "{transport:?}");
                let answers = client.ask("message", &[json!({"base64": "/wD/"})]).await;
                assert_eq!(answers[0]["data"], json!({"base64": "/wD/"}), "{transport:?}");
            }
        })
        .await;
}
