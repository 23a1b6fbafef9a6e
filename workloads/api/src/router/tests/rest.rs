//! What REST refuses without asking a backend, and what it says when Postgres is away.

use realtime_access::limits::{LimitConfig, Limiter};
use realtime_contract::Component;
use realtime_fanout::serve::Client;

use super::*;

const ID: &str = "0192d3a4-0000-7000-8000-000000000001";

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
}

fn batch(body: impl Into<Body>) -> Request<Body> {
    let post = Request::post("/api/notifications/batch").header(header::CONTENT_TYPE, "application/json");
    post.body(body.into()).unwrap()
}

fn keyed(mut request: Request<Body>, key: &str) -> Request<Body> {
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

/// The status, and the field that is named.
async fn refusal(request: Request<Body>) -> (u16, String) {
    let name = format!("{} {}", request.method(), request.uri());
    let response = send(request).await;
    let status = response.status().as_u16();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{name}");
    let problem = json(response).await;
    assert_eq!(problem["status"], status, "{name}: {problem}");
    (status, problem["field"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn refuses_batches_and_names_the_entry() {
    let cases = [
        (batch("{"), 400, "body"),
        (batch("[]"), 422, "body"),
        (batch("{}"), 422, "notifications"),
        (batch(r#"{"notifications":[]}"#), 422, "notifications"),
        (batch(r#"{"notifications":[{"message":"a"},{"message":7}]}"#), 422, "notifications[1].message"),
        (batch(r#"{"notifications":[{"message":"a","user":"7","channel":"b"}]}"#), 422, "notifications[0].user"),
        (batch(vec![b' '; 1024 * 1024 + 1]), 413, "body"),
        (request(Method::POST, "/api/notifications/batch"), 415, "content-type"),
    ];
    for (request, status, field) in cases {
        assert_eq!(refusal(request).await, (status, field.to_owned()));
    }
}

#[tokio::test]
async fn takes_a_batch_that_is_larger_than_one_notification_may_be() {
    let entry = format!(r#"{{"message":"{}"}}"#, "m".repeat(60_000));
    let body = format!(r#"{{"notifications":[{}]}}"#, vec![entry; 10].join(","));
    assert_eq!(refusal(batch(body)).await, (503, String::new()), "it is refused by Postgres alone");
}

#[tokio::test]
async fn refuses_keys_that_are_none() {
    let body = r#"{"message":"m"}"#;
    for key in ["order-7", "", &"x".repeat(256)] {
        let expected = (400, "idempotency-key".to_owned());
        assert_eq!(refusal(keyed(post("application/json", body), key)).await, expected, "{key}");
    }
    assert_eq!(refusal(keyed(post("application/json", body), ID)).await.0, 503);
}

#[tokio::test]
async fn refuses_parameters_and_names_them() {
    let cases = [
        (request(Method::GET, "/api/notifications?channel=a%20b"), "channel"),
        (request(Method::GET, "/api/notifications?channel=a&channel=b"), "channel"),
        (request(Method::GET, &format!("/api/notifications?type={}", "x".repeat(65))), "type"),
        (request(Method::GET, "/api/notifications?type=a%00"), "type"),
        (request(Method::GET, "/api/notifications?status=done"), "status"),
        (request(Method::GET, "/api/notifications/7"), "id"),
        (request(Method::GET, "/api/notifications/7/events"), "id"),
        (request(Method::GET, &format!("/api/notifications/{ID}/events?cursor=x")), "cursor"),
        (request(Method::GET, &format!("/api/notifications/{ID}/events?limit=0")), "limit"),
        (request(Method::GET, "/api/users/a%20b/notifications"), "user"),
        (request(Method::GET, "/api/users/%FF/notifications"), "user"),
        (request(Method::GET, "/api/users/me/notifications"), "user"),
        (request(Method::GET, "/api/users/7/notifications?read=yes"), "read"),
        (request(Method::PUT, "/api/users/7/notifications/7/read"), "id"),
        (request(Method::DELETE, "/api/users/a%20b/notifications/7/read"), "user"),
        (request(Method::PUT, "/api/users/me/notifications/read"), "user"),
    ];
    for (request, field) in cases {
        assert_eq!(refusal(request).await, (400, field.to_owned()));
    }
}

#[tokio::test]
async fn names_postgres_for_everything_that_needs_it() {
    let requests = [
        request(Method::GET, "/api/notifications?channel=a&type=info&status=pending"),
        batch(r#"{"notifications":[{"message":"m"}]}"#),
        request(Method::GET, &format!("/api/notifications/{ID}")),
        request(Method::GET, &format!("/api/notifications/{ID}/events")),
        request(Method::GET, "/api/users/7/notifications"),
        request(Method::PUT, &format!("/api/users/7/notifications/{ID}/read")),
        request(Method::DELETE, &format!("/api/users/7/notifications/{ID}/read")),
        request(Method::PUT, "/api/users/7/notifications/read"),
    ];
    for request in requests {
        let name = format!("{} {}", request.method(), request.uri());
        let response = send(request).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{name}");
        assert_eq!(response.headers()[header::RETRY_AFTER], "1", "{name}");
        assert_eq!(json(response).await["dependency"], "postgres", "{name}");
    }
}

#[tokio::test]
async fn so_many_notifications_are_published_and_a_batch_counts_for_each_of_its_own() {
    let (mut state, _publisher) = state();
    let limits = LimitConfig { publish: Some("0.001/5".parse().unwrap()), ..LimitConfig::default() };
    state.limiter = Limiter::new(limits, Component::Api, None, &state.metrics.registry).unwrap();
    let app = app(&state);
    let of_three = || batch(format!(r#"{{"notifications":[{}]}}"#, [r#"{"message":"m"}"#; 3].join(",")));
    let one = || post("application/json", r#"{"message":"m"}"#);
    let refused = || post("application/json", "{}");
    // Without Postgres what is let in is answered 503. What is refused for its own sake counts for nothing.
    let cases = [
        (refused(), 422),
        (of_three(), 503),
        (of_three(), 429),
        (one(), 503),
        (refused(), 422),
        (one(), 503),
        (one(), 429),
    ];
    for (place, (mut request, status)) in cases.into_iter().enumerate() {
        request.extensions_mut().insert(Client("192.0.2.7".parse().unwrap()));
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "request {place}");
        if status == 429 {
            assert!(response.headers().contains_key(header::RETRY_AFTER));
            assert_eq!(json(response).await["code"], "TOO_MANY");
        }
    }
}
