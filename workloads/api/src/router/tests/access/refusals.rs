//! The table of refusals.

use super::*;

/// Method and path of what needs a token.
const GUARDED: [(&str, &str); 13] = [
    ("GET", "/api/notifications"),
    ("POST", "/api/notifications"),
    ("DELETE", "/api/notifications"),
    ("POST", "/api/notifications/batch"),
    ("GET", "/api/notifications/0192d3a4-0000-7000-8000-000000000001"),
    ("GET", "/api/notifications/0192d3a4-0000-7000-8000-000000000001/events"),
    ("GET", "/api/users/7/notifications"),
    ("PUT", "/api/users/7/notifications/read"),
    ("PUT", "/api/users/7/notifications/0192d3a4-0000-7000-8000-000000000001/read"),
    ("GET", "/api/cache-test"),
    ("GET", "/api/figures"),
    ("GET", "/api/stack"),
    ("POST", "/api/tickets"),
];

const PUBLIC: [&str; 9] = [
    "/",
    "/metrics",
    "/api/health",
    "/api/websocket/health",
    "/api/openapi.json",
    "/api/asyncapi.json",
    "/api/docs",
    "/nothing-there",
    "/socket.io/?EIO=4&transport=polling",
];

#[tokio::test]
async fn a_request_is_refused_for_what_it_shows() {
    let (address, ..) = asking().await;
    for (name, token, refusal) in refused() {
        get_with(address, "/api/notifications", &bearer(&token)).await.assert_refused(refusal, name);
        post_json(address, "/api/notifications", &token, "{\"message\":\"m\"}").await.assert_refused(refusal, name);
    }
    get_with(address, "/api/notifications", "Authorization: Basic YTpi\r\n")
        .await
        .assert_refused(Refusal::Malformed, "");
}

#[tokio::test]
async fn nothing_is_served_without_a_token_but_what_is_public() {
    let (address, ..) = asking().await;
    for (method, path) in GUARDED {
        ask(address, method, path, "", "").await.assert_refused(Refusal::Missing, path);
        let answer = ask(address, method, path, &bearer(&good()), "").await;
        assert_ne!(answer.status, 401, "{method} {path}");
    }
    for path in PUBLIC {
        let answer = get_with(address, path, &bearer("junk")).await;
        assert!(answer.status != 401 && answer.status != 403, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_good_token_is_taken_by_secret_and_by_key() {
    let (address, ..) = asking().await;
    let by_key = token(&json!({ "alg": "RS256", "kid": "rsa" }), &claims(), Signer::Rsa);
    for token in [good(), by_key] {
        let answer = get_with(address, "/api/notifications", &bearer(&token)).await;
        assert_eq!((answer.status, &answer.json()["dependency"]), (503, &json!("postgres")));
    }
}

#[tokio::test]
async fn a_request_is_refused_for_a_channel_that_is_not_in_the_claims() {
    let (address, ..) = asking().await;
    let body = |channel| format!("{{\"message\":\"m\",\"channel\":\"{channel}\"}}");
    let batch = format!("{{\"notifications\":[{},{}]}}", body("orders"), body("stock"));
    let refused = [
        post_json(address, "/api/notifications", &good(), &body("stock")).await,
        post_json(address, "/api/notifications", &good(), "{\"message\":\"m\",\"user\":\"7\"}").await,
        post_json(address, "/api/notifications/batch", &good(), &batch).await,
        get_with(address, "/api/notifications?channel=orders,stock", &bearer(&good())).await,
    ];
    for (answer, field) in refused.iter().zip(["channel", "user", "notifications[1].channel", "channel"]) {
        answer.assert_refused(Refusal::Channel, field);
    }
    for answer in &refused[..3] {
        assert!(answer.json()["field"].is_string(), "{answer:?}");
    }
    let inbox = get_with(address, "/api/users/8/notifications", &bearer(&good())).await;
    inbox.assert_refused(Refusal::User, "another inbox");
    assert_eq!(post_json(address, "/api/notifications", &good(), &body("orders")).await.status, 503);
}

#[tokio::test]
async fn a_stream_is_refused_for_what_its_header_shows() {
    let (address, ..) = asking().await;
    for (name, token, refusal) in refused() {
        for accept in ["", EVENT_SOURCE] {
            let headers = format!("{accept}{}", bearer(&token));
            get_with(address, STREAM, &headers).await.assert_refused(refusal, name);
        }
    }
    let other = get_with(address, &format!("{STREAM}?channels=orders,stock"), &bearer(&good())).await;
    other.assert_refused(Refusal::Channel, "stock");
}

#[tokio::test]
async fn a_stream_has_what_the_token_permits_and_nothing_else() {
    let (address, _state, mut publisher) = asking().await;
    publish(&mut publisher, &[("orders", 8), ("stock", 9), ("user:8", 10), ("user:7", 11)]);
    let target = format!("{STREAM}?since={}-7", super::super::stream::EPOCH);
    let answer = until(address, "GET", &target, &bearer(&good()), "", "{\"n\":11}").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("{\"n\":8}") && !answer.body.contains("{\"n\":9}"), "{answer:?}");
    assert!(!answer.body.contains("{\"n\":10}"), "{answer:?}");
}

#[tokio::test]
async fn socket_io_is_refused_for_what_its_connect_shows() {
    let (address, ..) = asking().await;
    for (name, token, refusal) in refused() {
        let auth = if token.is_empty() { String::new() } else { json!({ "token": token }).to_string() };
        let answer = connect_with(address, &auth).await;
        let answer = answer.strip_prefix("44").unwrap_or_else(|| panic!("{name}: {answer}"));
        let data = json!({ "code": refusal.code(), "status": refusal.status().as_u16() });
        let expected = json!({ "message": refusal.to_string(), "data": data });
        assert_eq!(serde_json::from_str::<Value>(answer).unwrap(), expected, "{name}");
    }
    let answer = connect_with(address, &json!({ "token": good(), "channels": ["stock"] }).to_string()).await;
    assert!(answer.starts_with("44") && answer.contains("CHANNEL_FORBIDDEN"), "{answer}");
    let answer = connect_with(address, &json!({ "token": good() }).to_string()).await;
    assert!(answer.starts_with("40"), "{answer}");
}
