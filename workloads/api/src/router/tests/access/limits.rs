//! Who comes too often.

use realtime_access::limits::{LimitConfig, Limiter, Rate};
use realtime_contract::Component;

use super::*;

/// A server with these limits, each of which gives nothing more within the time of a test.
async fn limiting(limits: LimitConfig, gate: Gate) -> (SocketAddr, Publisher) {
    let (mut state, publisher) = found(7);
    state.gate = gate;
    state.limiter = Limiter::new(limits, Component::Api, None, &state.metrics.registry).unwrap();
    (served(&state).await, publisher)
}

fn rate(burst: u32) -> Option<Rate> {
    Some(format!("0.001/{burst}").parse().unwrap())
}

fn assert_too_many(answer: &Answer) {
    assert_eq!((answer.status, &answer.json()["code"]), (429, &json!("TOO_MANY")), "{answer:?}");
    assert!((900..=1000).contains(&answer.header("retry-after").unwrap().parse::<u32>().unwrap()), "{answer:?}");
}

#[tokio::test]
async fn an_address_has_so_many_requests_whatever_it_asks_for() {
    let limits = LimitConfig { address: rate(4), ..LimitConfig::default() };
    let (address, _publisher) = limiting(limits, gate()).await;
    assert_eq!(get_with(address, "/api/health", "").await.status, 503);
    assert_eq!(get_with(address, "/api/notifications", &bearer("junk")).await.status, 401);
    assert_eq!(get_with(address, "/api/notifications", &bearer(&good())).await.status, 503);
    assert_eq!(stream_with(address, STREAM, &bearer(&good())).await.status, 200);
    for path in ["/", "/api/health", "/nothing", "/api/notifications", STREAM] {
        assert_too_many(&get_with(address, path, &bearer(&good())).await);
    }
    let answer = get_with(address, STREAM, EVENT_SOURCE).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with("retry: ") && !answer.body.contains("data:"), "{answer:?}");
}

/// Those of sessions are Socket.IO's own, and count when a namespace is entered.
#[tokio::test]
async fn each_request_of_the_document_counts_for_its_address_and_says_that_it_may_be_too_many() {
    let limits = LimitConfig { address: rate(1), ..LimitConfig::default() };
    let (address, _publisher) = limiting(limits, Gate::anonymous()).await;
    assert_eq!(get_with(address, "/", "").await.status, 200);
    let file = format!("{}/../../docs/openapi.json", env!("CARGO_MANIFEST_DIR"));
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut counted = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let target = path.replace("{user}", "7").replace("{id}", "0192d3a4-0000-7000-8000-000000000001");
        for (method, operation) in operations.as_object().unwrap() {
            let documented = operation["responses"].get("429").is_some();
            assert_ne!(documented, path.starts_with(crate::socketio::PATH), "{method} {path}");
            if documented {
                assert_too_many(&ask(address, &method.to_uppercase(), &target, "", "").await);
                counted += 1;
            }
        }
    }
    assert!(counted > 20, "{counted}");
}

#[tokio::test]
async fn nothing_is_checked_that_comes_from_an_address_over_its_limit() {
    let (gate, registry) = (gate(), prometheus::Registry::new());
    gate.register(&registry).unwrap();
    let limits = LimitConfig { address: rate(1), ..LimitConfig::default() };
    let (address, _publisher) = limiting(limits, gate).await;
    assert_eq!(get_with(address, "/api/notifications", &bearer("junk")).await.status, 401);
    for path in ["/api/notifications", STREAM] {
        assert_too_many(&get_with(address, path, &bearer("junk")).await);
    }
    let metrics = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    assert!(metrics.contains("realtime_access_refused_total{code=\"TOKEN_MALFORMED\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn a_user_has_so_many_and_others_have_theirs() {
    let limits = LimitConfig { user: rate(1), ..LimitConfig::default() };
    let (address, _publisher) = limiting(limits, gate()).await;
    let other = with("sub", json!("8"));
    for token in [good(), other] {
        assert_eq!(get_with(address, "/api/notifications", &bearer(&token)).await.status, 503);
        assert_too_many(&get_with(address, "/api/notifications", &bearer(&token)).await);
    }
    assert_eq!(get_with(address, "/api/notifications", &bearer("junk")).await.status, 401);
}

#[tokio::test]
async fn streams_are_opened_so_often() {
    let limits = LimitConfig { subscribe: rate(1), ..LimitConfig::default() };
    let (address, _publisher) = limiting(limits, Gate::anonymous()).await;
    assert_eq!(stream_with(address, STREAM, "").await.status, 200);
    assert_too_many(&get_with(address, STREAM, "").await);
    assert_eq!(get_with(address, "/api/notifications", "").await.status, 503, "this is no stream");
}
