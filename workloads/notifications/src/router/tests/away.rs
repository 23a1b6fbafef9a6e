//! What keeps the service from giving a stream: Kafka, or a key.

use realtime_access::{AccessConfig, Auth};
use tokio_util::sync::CancellationToken;

use super::*;

/// The public key of RFC 8037, appendix A.2.
const KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// `{"alg":"EdDSA","kid":"other"}`, `{"sub":"7","exp":4000000000}` and 64 bytes that are no signature.
const BY_ANOTHER_KEY: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6Im90aGVyIn0.eyJzdWIiOiI3IiwiZXhwIjo0MDAwMDAwMDAwfQ.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The stream behind a cursor, whose next event is not in memory any more.
fn missed(state: &ServiceState) -> String {
    format!("/events/stream?since={}", state.codec.encode(&Vector::from_iter([(Lane(0), 3)])))
}

#[tokio::test]
async fn a_history_that_kafka_does_not_give_is_told_with_its_name_and_when_to_come_again() {
    let state = state();
    let response = get_accepting(&state, &missed(&state), "*/*").await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    assert!(grant(&response).is_none());
    let problem = problem(response).await;
    assert_eq!((&problem["status"], &problem["dependency"]), (&json!(503), &json!("kafka")));
    assert_eq!(problem["detail"], "what was missed cannot be read from Kafka now");
    assert_eq!(state.measures.replays_failed.get(), 1);
}

/// An EventSource would give up for good. It keeps its cursor, since it gets no other id.
#[tokio::test]
async fn an_event_source_is_sent_away_and_keeps_its_cursor() {
    let state = state();
    let response = get_accepting(&state, &missed(&state), "text/event-stream").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let grant = grant(&response).unwrap();
    assert!(matches!(grant.start, Start::Away(CloseReason::Unavailable)), "{:?}", grant.start);
    assert!(grant.greeting.is_none() && grant.history.is_empty(), "nothing that has another id");
}

/// What needs no history is served all the same.
#[tokio::test]
async fn without_kafka_what_is_in_memory_is_given_and_what_comes() {
    let state = state();
    let newest = format!("/events/stream?since={}", state.codec.encode(&Vector::from_iter([(Lane(0), 7)])));
    for path in ["/events/stream", newest.as_str()] {
        let response = get_accepting(&state, path, "*/*").await;
        assert!(!matches!(grant(&response).unwrap().start, Start::Away(_)), "{path}");
    }
}

#[tokio::test]
async fn a_token_of_a_key_that_is_not_in_the_set_is_refused_by_that_reason() {
    let config = AccessConfig { auth: Auth::Jwt, jwt_jwks: Some(KEYS.to_owned().into()), ..AccessConfig::default() };
    let gate = Gate::start(&config, b"0123456789abcdef", CancellationToken::new()).unwrap();
    let state = state_with(gate, Limiter::none());
    for accept in ["*/*", "text/event-stream"] {
        let request = Request::get("/events/stream").header(header::ACCEPT, accept);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {BY_ANOTHER_KEY}"));
        let response = app(&state).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 401, "{accept}");
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], r#"Bearer error="invalid_token""#);
        assert!(grant(&response).is_none());
        assert_eq!(problem(response).await["code"], "TOKEN_KEY", "{accept}");
    }
}
