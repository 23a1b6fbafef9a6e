use axum::{
    body::Body,
    http::{Request, Response, header},
};
use http_body_util::BodyExt;
use realtime_chassis::{dependencies::Board, http::cors};
use realtime_contract::readiness::DependencyState;
use realtime_fanout::{Hub, Publication};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::metrics::Metrics;

fn state() -> ServiceState {
    let board = Board::new(&["kafka"]);
    board.set("kafka", DependencyState::Ready);
    ServiceState { hub: Hub::new(), board, metrics: Metrics::new(prometheus::Registry::new()).unwrap() }
}

fn app(state: &ServiceState) -> Router {
    let requests = RequestMetrics::register(&prometheus::Registry::new()).unwrap();
    router(state.clone(), requests, cors("*").unwrap())
}

async fn get_accepting(state: &ServiceState, path: &str, accept: &str) -> Response<Body> {
    let request = Request::get(path).header(header::ACCEPT, accept).header(header::ORIGIN, "http://any.example");
    app(state).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
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
    let open = state.hub.register(realtime_fanout::hub::Filter::default());
    for accept in ["*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8"] {
        let body = text(get_accepting(&state, "/metrics", accept).await).await;
        assert_eq!(
            without_time(&body),
            r#"{"consumer":{"processedMessagesCount":0,"maxCacheSize":10000,"timestamp":"T"},"sse":{"activeConnections":1,"timestamp":"T"}}"#
        );
    }
    drop(open);
}

#[tokio::test]
async fn metrics_are_text_for_a_scraper() {
    for accept in ["text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "application/openmetrics-text;version=1.0.0,*/*;q=0.1"] {
        let body = text(get_accepting(&state(), "/metrics", accept).await).await;
        assert!(body.contains("realtime_product_events_total{outcome=\"broadcast\"} 0"), "{body}");
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
async fn a_stream_greets_and_follows() {
    let state = state();
    let response = get_accepting(&state, "/events/stream", "text/event-stream").await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut body = response.into_body();
    let frame = bytes::Bytes::from_static(b"data: 1\n\n");
    state.hub.publish(Publication { channel: "ProductCreated", position: 1, frame: &frame });
    let mut next = async || body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(next().await.starts_with(b"data: {\"type\":\"connection\","));
    assert_eq!(next().await, frame);
}
