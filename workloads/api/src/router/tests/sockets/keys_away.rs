//! Keys that cannot be read, and clients of Socket.IO.

use realtime_fanout::CloseReason;

use super::{
    super::stream::{
        keys_away::{by_key, gate},
        tokens::token,
    },
    *,
};

/// A refusal would make the official client stay away for good.
#[tokio::test]
async fn a_client_that_cannot_be_checked_loses_its_connection_and_comes_back_by_itself() {
    let (mut state, _publisher) = found(7);
    state.gate = gate();
    let address = served(&state, &away(), &[]).await;
    let client = Client::open(address).await;
    client.send(&format!("40{}", json!({ "token": by_key() }))).await;
    let end = client.last().await;
    assert!(end == "1" || end.contains("Session ID unknown"), "{end}");
    state.engine.ended().await;
    assert_eq!(state.engine.statistics().closed(CloseReason::Unavailable), 1);
}

/// It hears on with the token that it has.
#[tokio::test]
async fn a_token_that_cannot_be_checked_replaces_none() {
    let (mut state, mut publisher) = found(7);
    state.gate = gate();
    let address = served(&state, &away(), &[]).await;
    let (mut client, ..) = Client::enter(address, json!({ "token": token("7", &["orders"], 600) })).await;
    client.send(&format!("421{}", json!(["refresh", by_key()]))).await;
    let answer = client.next().await;
    let answer: Value = serde_json::from_str(answer.strip_prefix("431").unwrap_or_else(|| panic!("{answer}"))).unwrap();
    assert_eq!((&answer[0]["status"], &answer[0]["code"]), (&json!("error"), &json!("KEYS_AWAY")));
    publish(&mut publisher, &[("orders", 8)]);
    assert_eq!(client.event().await.1, json!({ "n": 8 }));
}
