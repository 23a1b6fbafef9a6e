//! What needs no backend: every backend stands at a port where nothing listens.

mod access;
mod bodies;
mod console;
mod documents;
mod health;
mod overview;
mod rest;
mod sockets;
mod stack;
mod stream;

use axum::{
    body::Body,
    http::{Method, Request, Response, StatusCode, header},
};
use clap::Parser;
use http_body_util::BodyExt;
use realtime_chassis::{
    config::PostgresConfig,
    dependencies::Board,
    http::{RequestMetrics, cors},
    redis::Connection,
};
use realtime_contract::readiness::DependencyState;
use realtime_fanout::{Publisher, Settings};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::*;
use crate::{cache::Cache, config::Config, fake_redis::away, metrics::Metrics, store::Store};

fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn state() -> (ApiState, Publisher) {
    let metrics = Metrics::new(prometheus::Registry::new()).unwrap();
    let url = format!("postgresql://nobody@127.0.0.1:{}/nothing", closed_port());
    let postgres = PostgresConfig { url: url.into(), password: None, pool: 2 };
    let cache = Cache::new(away(), metrics.clone());
    let store = Store::new(realtime_chassis::postgres::pool(&postgres, "test").unwrap());
    ApiState::new(store, cache, Board::new(&["postgres", "kafka", "redis"]), metrics, Settings::default()).unwrap()
}

fn app(state: &ApiState) -> Router {
    let requests = RequestMetrics::register(&state.metrics.registry).unwrap();
    let sockets = sockets(state, &away(), &[]);
    router(state.clone(), requests, &sockets, cors("http://localhost:3000").unwrap())
}

fn config(options: &[&str]) -> Config {
    let required = ["realtime-api", "--postgres-url=postgresql://u@h/d", "--kafka-brokers=h:9092", "--redis-host=h"];
    Config::parse_from(required.iter().chain(options))
}

/// The Socket.IO of a replica with that Redis.
fn sockets(state: &ApiState, redis: &Connection, options: &[&str]) -> Sockets {
    let config = config(options);
    sockets_with(crate::socketio::settings(&config.sockets), &config, state, redis)
}

fn sockets_with(
    settings: realtime_socketio::Settings,
    config: &Config,
    state: &ApiState,
    redis: &Connection,
) -> Sockets {
    let (key, token) = (b"0123456789abcdef", CancellationToken::new());
    Sockets::start(&config.sockets, settings, state, redis, key, &token).unwrap().0
}

async fn send(request: Request<Body>) -> Response<Body> {
    app(&state().0).oneshot(request).await.unwrap()
}

async fn json(response: Response<Body>) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

fn post(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/api/notifications").header(header::CONTENT_TYPE, content_type).body(body.into()).unwrap()
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn refuses_bad_bodies_and_names_the_field() {
    let cases = [
        (post("application/json", "{\"message\":"), 400, "body"),
        (post("text/plain", "{\"message\":\"m\"}"), 415, "content-type"),
        (post("application/json", vec![b' '; 64 * 1024 + 1]), 413, "body"),
        (post("application/json", "{\"message\":7}"), 422, "message"),
        (post("application/json", "{}"), 422, "message"),
        (post("application/json", "{\"message\":\"m\",\"channel\":7}"), 422, "channel"),
        (get("/api/notifications?limit=0"), 400, "limit"),
        (get("/api/notifications?cursor=x"), 400, "cursor"),
        (get("/api/notifications?limit=1&limit=2"), 400, "limit"),
        (get("/api/sse/notifications?channels=a%20b"), 400, "channels"),
        (get("/api/sse/notifications?channels=a&channels=b"), 400, "channels"),
        (get("/api/sse/notifications?since=a&since=b"), 400, "since"),
    ];
    for (request, status, field) in cases {
        let name = format!("{} {}", request.method(), request.uri());
        let response = send(request).await;
        assert_eq!(response.status().as_u16(), status, "{name}");
        let body = json(response).await;
        assert_eq!(body["field"], field, "{name}: {body}");
        assert_eq!((&body["type"], &body["status"]), (&"about:blank".into(), &status.into()), "{name}: {body}");
        assert!(body["title"].is_string() && body["detail"].is_string(), "{name}: {body}");
    }
}

/// With paused time: the clock goes on when nothing else can.
#[tokio::test(start_paused = true)]
async fn refuses_a_body_that_does_not_arrive() {
    let never = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let response = send(post("application/json", never)).await;
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(json(response).await["field"], "body");
}

#[tokio::test]
async fn answers_other_paths_and_methods_with_a_problem() {
    let response = send(get("/nothing")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(json(response).await["detail"], "there is nothing at this path");
    let request = Request::builder().method(Method::PUT).uri("/api/notifications").body(Body::empty()).unwrap();
    let response = send(request).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(response.headers()[header::ALLOW].to_str().unwrap().contains("POST"));
    assert_eq!(json(response).await["title"], "Method Not Allowed");
}

#[tokio::test]
async fn names_postgres_when_it_is_away() {
    for request in [post("application/json", "{\"message\":\"m\"}"), get("/api/notifications")] {
        let response = send(request).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(json(response).await["dependency"], "postgres");
    }
}

#[tokio::test]
async fn names_redis_when_only_redis_could_answer() {
    let clear = Request::delete("/api/notifications").body(Body::empty()).unwrap();
    for request in [clear, get("/api/cache-test")] {
        let response = send(request).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(json(response).await["dependency"], "redis");
    }
}

#[tokio::test]
async fn tells_the_state_of_each_dependency() {
    let (state, _publisher) = state();
    for name in ["postgres", "kafka"] {
        state.board.set(name, DependencyState::Ready);
    }
    let response = app(&state).oneshot(get("/api/health")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = json(response).await;
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["services"]["postgres"]["status"], "healthy");
    assert_eq!(body["services"]["redis"]["status"], "unhealthy");
}

#[tokio::test]
async fn counts_requests_by_matched_route() {
    let (state, _publisher) = state();
    let app = app(&state);
    app.clone().oneshot(get("/invented/1")).await.unwrap();
    app.clone().oneshot(get("/")).await.unwrap();
    app.clone().oneshot(get("/socket.io/?transport=none")).await.unwrap();
    let body = app.oneshot(get("/metrics")).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    for line in [
        "http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
        "http_requests_total{method=\"GET\",route=\"/\",status=\"200\"} 1",
        "http_requests_total{method=\"GET\",route=\"/socket.io\",status=\"400\"} 1",
        "http_request_duration_seconds_count{method=\"GET\",route=\"/\",status=\"200\"} 1",
        "notifications_sent_total 0",
        "cache_hits_total 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn lets_the_front_end_read_and_no_other_origin() {
    for path in ["/", "/api/sse/notifications", "/socket.io/?EIO=4&transport=polling"] {
        let with_origin = |origin: &str| Request::get(path).header(header::ORIGIN, origin).body(Body::empty()).unwrap();
        let allowed = send(with_origin("http://localhost:3000")).await;
        assert_eq!(allowed.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:3000", "{path}");
        assert_eq!(allowed.headers()[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true", "{path}");
        let exposed = allowed.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
        for name in ["link", "retry-after", "x-cache", "x-trace-id"] {
            assert!(exposed.split(',').any(|it| it == name), "{name}: {exposed}");
        }
        let other = send(with_origin("http://elsewhere.example")).await;
        assert!(!other.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
    }
}

#[tokio::test]
async fn a_browser_may_ask_before_it_sends_what_a_page_of_the_front_end_wants() {
    for (path, method) in [("/api/notifications", "POST"), ("/socket.io/?EIO=4&transport=polling&sid=a", "POST")] {
        let ask = |origin: &str| {
            let request = Request::options(path).header(header::ORIGIN, origin);
            let request = request.header(header::ACCESS_CONTROL_REQUEST_METHOD, method);
            request.header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type").body(Body::empty()).unwrap()
        };
        let allowed = send(ask("http://localhost:3000")).await;
        assert_eq!(allowed.status(), 200, "{path}");
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "http://localhost:3000"),
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET,POST,PUT,DELETE"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        ] {
            assert_eq!(allowed.headers()[&name], value, "{path} {name}");
        }
        let other = send(ask("http://elsewhere.example")).await;
        assert!(!other.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
    }
}
