//! Keys that cannot be read: nobody can be told whether it may listen.

use realtime_access::{
    AccessConfig, Auth, Gate,
    forge::{SECRET, Signer, token},
};
use serde_json::json;

use super::*;

const STREAM: &str = "/api/sse/notifications";

/// A gate that takes tokens by a secret, and by keys that are at an address where nothing listens.
pub(in super::super) fn gate() -> Gate {
    let config = AccessConfig {
        auth: Auth::Jwt,
        jwt_secret: Some(SECRET.to_owned().into()),
        jwt_jwks_url: Some(format!("http://127.0.0.1:{}/keys", closed_port())),
        jwt_jwks_seconds: Some(300),
        ..AccessConfig::default()
    };
    Gate::start(&config, b"0123456789abcdef", CancellationToken::new()).unwrap()
}

/// A token that only such a key could check.
pub(in super::super) fn by_key() -> String {
    let claims = json!({ "sub": "7", "exp": 4_000_000_000_u64, "channels": ["orders"] });
    token(&json!({ "alg": "RS256", "kid": "rsa" }), &claims, Signer::Rsa)
}

#[tokio::test]
async fn an_event_source_comes_back_and_others_are_told_why() {
    let (mut state, _publisher) = found(7);
    state.gate = gate();
    let address = served(&state).await;
    let headers = format!("Authorization: Bearer {}\r\nConnection: close\r\n", by_key());

    let mut told = Client::ask(address, STREAM, &headers).await;
    let told = told.end().await;
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("content-type: application/problem+json"), "{head}");
    let seconds = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).map(str::parse::<u64>);
    assert!(matches!(seconds, Some(Ok(1..))), "{head}");
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&json!("KEYS_AWAY"), &json!(503)));

    let headers = format!("{headers}Accept: text/event-stream\r\n");
    let mut sent_away = Client::ask(address, STREAM, &headers).await;
    let received = sent_away.end().await;
    assert!(frames(received).is_empty(), "{received}");
    let retry = received.lines().find_map(|line| line.strip_prefix("retry: ")).unwrap().parse::<u64>();
    assert!(retry.is_ok_and(|retry| (5_000..=15_000).contains(&retry)), "{received}");
    state.engine.ended().await;
    assert_eq!(state.engine.statistics().closed(CloseReason::Unavailable), 1);
}

/// A client without a token is told that, whatever becomes of the keys.
#[tokio::test]
async fn who_shows_nothing_needs_no_key_to_be_refused() {
    let (mut state, _publisher) = found(7);
    state.gate = gate();
    let mut client = Client::ask(served(&state).await, STREAM, "Connection: close\r\n").await;
    let told = client.end().await;
    assert!(told.starts_with("HTTP/1.1 401 ") && told.contains("TOKEN_MISSING"), "{told}");
}
