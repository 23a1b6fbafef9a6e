use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    Extension,
    body::Body,
    http::{Request, Response, header},
};
use http_body_util::BodyExt;
use prometheus::Registry;
use rdkafka::ClientConfig;
use realtime_access::{Gate, limits::Limiter};
use realtime_chassis::{dependencies::Board, http::cors};
use realtime_contract::readiness::DependencyState;
use realtime_fanout::{
    CloseReason, CursorCodec, Engine, Grant, Lane, Opening, Resume, Seen, Settings, Start, Vector, serve::Client,
};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use super::*;
use crate::{
    check::Checker,
    cursor::Codec,
    lanes::Lanes,
    measures::Measures,
    replay::{Limits, Parts, Replays},
};

mod admission;
mod away;
mod served;

fn state() -> ServiceState {
    state_with(Gate::anonymous(), Limiter::none())
}

fn state_with(gate: Gate, limiter: Limiter) -> ServiceState {
    let board = Board::new(&["kafka"]);
    board.set("kafka", DependencyState::Ready);
    let registry = Registry::new();
    let measures = Measures::new(&registry).unwrap();
    let lanes = Arc::new(Lanes::new(["product-events"]));
    lanes.enter("product-events", Uuid::from_u128(1), 1);
    let codec = Arc::new(Codec::new(lanes.clone(), b"0123456789abcdef"));
    let (engine, mut publisher) = Engine::start(Settings::default(), codec.clone(), String::new).unwrap();
    publisher.begin(Lane(0), 7);
    let mut nowhere = ClientConfig::new();
    nowhere.set("bootstrap.servers", "127.0.0.1:9");
    let replays = Replays::new(Parts {
        config: nowhere,
        lanes,
        checker: Arc::new(Checker::default()),
        codec: codec.clone(),
        memory: Arc::new(engine.clone()),
        window: 10_000,
        limits: Limits::default(),
        measures: measures.clone(),
    });
    ServiceState { engine, gate, limiter, codec, replays, board, registry, measures, window: 10_000 }
}

/// The router behind a server that tells it the address of its client.
fn app(state: &ServiceState) -> Router {
    let requests = RequestMetrics::register(&prometheus::Registry::new()).unwrap();
    router(state.clone(), requests, cors("*").unwrap()).layer(Extension(Client(Ipv4Addr::LOCALHOST.into())))
}

async fn get_accepting(state: &ServiceState, path: &str, accept: &str) -> Response<Body> {
    let request = Request::get(path).header(header::ACCEPT, accept).header(header::ORIGIN, "http://any.example");
    app(state).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// What the handler grants, if it grants a stream.
fn grant(response: &Response<Body>) -> Option<Grant> {
    response.extensions().get::<Opening>().and_then(Opening::take)
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// The text with every value of a `timestamp` made equal, so that bytes can be compared.
fn without_time(text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    hide_time(&mut value);
    value.to_string()
}

fn hide_time(value: &mut Value) {
    for (name, field) in value.as_object_mut().into_iter().flatten() {
        if name == "timestamp" {
            *field = json!("T");
        } else {
            hide_time(field);
        }
    }
}

#[tokio::test]
async fn health_has_the_replaced_services_shape() {
    let response = get_accepting(&state(), "/health", "*/*").await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        without_time(&text(response).await),
        r#"{"status":"healthy","timestamp":"T","services":{"kafka":{"status":"healthy"}},"metrics":{"processedMessagesCount":0,"maxCacheSize":10000},"sse":{"activeConnections":0,"timestamp":"T"}}"#
    );
}

#[tokio::test]
async fn health_fails_while_kafka_is_away() {
    let state = state();
    state.board.set("kafka", DependencyState::Unreachable);
    let response = get_accepting(&state, "/health", "*/*").await;
    assert_eq!(response.status(), 503);
    assert!(text(response).await.contains(r#""services":{"kafka":{"status":"unhealthy"}}"#));
}

#[tokio::test]
async fn metrics_are_json_for_curl_and_browsers() {
    let state = state();
    for accept in ["*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8"] {
        let body = text(get_accepting(&state, "/metrics", accept).await).await;
        assert_eq!(
            without_time(&body),
            r#"{"consumer":{"processedMessagesCount":0,"maxCacheSize":10000,"timestamp":"T"},"sse":{"activeConnections":0,"timestamp":"T"}}"#
        );
    }
}

#[tokio::test]
async fn metrics_are_text_for_a_scraper() {
    for accept in ["text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "application/openmetrics-text;version=1.0.0,*/*;q=0.1"] {
        let body = text(get_accepting(&state(), "/metrics", accept).await).await;
        assert!(body.contains("realtime_stream_records_total{outcome=\"broadcast\",reason=\"\"} 0"), "{body}");
    }
}

#[tokio::test]
async fn any_origin_may_read_and_ask_before() {
    let response = get_accepting(&state(), "/", "*/*").await;
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let preflight = Request::options("/events/stream")
        .header(header::ORIGIN, "http://any.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .body(Body::empty())
        .unwrap();
    let response = app(&state()).oneshot(preflight).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
}

#[tokio::test]
async fn a_stream_begins_live_with_a_greeting_and_headers_that_keep_proxies_from_holding_it_back() {
    let response = get_accepting(&state(), "/events/stream?types=ProductCreated", "text/event-stream").await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-cache, no-transform");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let grant = grant(&response).unwrap();
    assert!(matches!(grant.start, Start::Live));
    assert!(grant.greeting.unwrap().starts_with(r#"{"type":"connection","message":"Connected"#));
    assert!(grant.filter.passes("any", "ProductCreated", "{}") && !grant.filter.passes("any", "ProductDeleted", "{}"));
}

#[tokio::test]
async fn a_cursor_that_memory_covers_is_gone_on_from() {
    let state = state();
    let cursor = state.codec.encode(&Vector::from_iter([(Lane(0), 7)]));
    let response = get_accepting(&state, &format!("/events/stream?since={cursor}"), "*/*").await;
    let Start::After { seen, from, source } = grant(&response).unwrap().start else { panic!("it begins elsewhere") };
    assert_eq!((seen, from.next(Lane(0)), source), (Seen::Below(from.clone()), 7, Resume::Ring));
}

#[tokio::test]
async fn a_cursor_that_is_none_is_a_gap_for_an_event_source_and_a_refusal_for_others() {
    let state = state();
    let response = get_accepting(&state, "/events/stream?since=nonsense", "text/event-stream").await;
    assert_eq!(response.status(), 200);
    let history = grant(&response).unwrap().history;
    let gap = String::from_utf8(history[0].to_vec()).unwrap();
    assert!(gap.contains("event: gap\n") && gap.contains(r#"{"reason":"invalid","from":"nonsense","to":"#), "{gap}");

    let response = get_accepting(&state, "/events/stream?since=nonsense", "*/*").await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert!(text(response).await.contains("since is no cursor"));
}

#[tokio::test]
async fn a_query_that_cannot_be_meant_is_refused_with_what_to_change() {
    let response = get_accepting(&state(), "/events/stream?heartbeat=loud", "text/event-stream").await;
    assert_eq!(response.status(), 400);
    assert!(text(response).await.contains("heartbeat must be data or comment"));
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let response = get_accepting(&state(), "/nothing", "*/*").await;
    assert_eq!((response.status().as_u16(), problem(response).await["title"].clone()), (404, json!("Not Found")));
    let request = Request::post("/events/stream").body(Body::empty()).unwrap();
    let response = app(&state()).oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
    assert_eq!((response.status().as_u16(), problem(response).await["status"].clone()), (405, json!(405)));
}

/// The body of an answer that says no.
async fn problem(response: Response<Body>) -> Value {
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    serde_json::from_str(&text(response).await).unwrap()
}
