//! What the AsyncAPI document says of the answers to a request for the stream.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The messages that answer, by their statuses.
fn answers(document: &Value) -> BTreeMap<u64, Value> {
    let replies = document["operations"]["eventStream.open"]["reply"]["messages"].as_array().unwrap();
    let message = |reply: &Value| document.pointer(reply["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
    let by_status = |reply: &Value| {
        let message = message(reply).clone();
        (message["bindings"]["http"]["statusCode"].as_u64().unwrap(), message)
    };
    replies.iter().map(by_status).collect()
}

/// Names of headers that the document says of an answer.
fn headers(message: &Value) -> Vec<String> {
    let headers = &message["bindings"]["http"]["headers"]["properties"];
    headers.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn each_answer_is_documented_with_its_codes_and_headers_and_no_other() {
    let file = format!("{}/../../docs/asyncapi.json", env!("CARGO_MANIFEST_DIR"));
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let documented = answers(&document);
    let state = state_with(gate(SECRET), Limiter::none());
    let good = token(SECRET, 60, &json!({ "channels": ["shop"] }));
    let expired = ticket(&state.gate, &token(SECRET, 7_200, &json!({})), Duration::from_secs(5_400)).await;
    let away = state_with(
        gate_with(AccessConfig { jwt_jwks_url: Some("http://127.0.0.1:9/keys".to_owned()), ..AccessConfig::default() }),
        Limiter::none(),
    );
    let by_key = [r#"{"alg":"RS256"}"#, r#"{"sub":"7","exp":4000000000}"#, "signature"];
    let by_key = by_key.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let often = state_with(gate(SECRET), limited("address"));
    for _ in 0..2 {
        opened(&often, (Place::Header, &good), "/events/stream", "*/*").await;
    }
    let (header, query) = (Place::Header, Place::Query);
    let mut told = BTreeSet::new();
    for (state, shown, path, accept) in [
        (&state, (header, good.as_str()), "/events/stream", EVENT_SOURCE),
        (&state, (query, expired.as_str()), "/events/stream", EVENT_SOURCE),
        (&state, (query, expired.as_str()), "/events/stream", "*/*"),
        (&state, (header, good.as_str()), "/events/stream?since=nonsense", "*/*"),
        (&state, (header, "nonsense"), "/events/stream", "*/*"),
        (&state, (header, good.as_str()), "/events/stream?channels=other", "*/*"),
        (&often, (header, good.as_str()), "/events/stream", "*/*"),
        (&away, (header, by_key.as_str()), "/events/stream", "*/*"),
    ] {
        let response = opened(state, shown, path, accept).await;
        let status = response.status().as_u16();
        let message = documented.get(&status.into()).unwrap_or_else(|| panic!("{status} is not documented"));
        for name in headers(message) {
            assert!(response.headers().contains_key(&name), "{status} {name}");
        }
        told.insert(u64::from(status));
        if status < 400 {
            continue;
        }
        assert_eq!(message["contentType"], response.headers()[header::CONTENT_TYPE].to_str().unwrap(), "{status}");
        let code = problem(response).await["code"].clone();
        let codes = &message["payload"]["allOf"][1]["properties"]["code"]["enum"];
        assert!(codes.as_array().map_or(code.is_null(), |codes| codes.contains(&code)), "{status}: {code}");
    }
    assert_eq!(told, documented.into_keys().collect());
}
