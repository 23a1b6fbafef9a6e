//! The report against a scripted API server.

use axum::http::{Request, Response, StatusCode};
use kube::client::Body;
use realtime_contract::readiness::DependencyState;
use serde_json::{Value, json};

use super::*;

fn reporter() -> Reporter {
    Reporter { stack: "demo".into(), namespace: "rt".into(), pod: "demo-api-x".into(), component: Component::Api }
}

async fn report_answered_with(status: StatusCode, answer: Value) -> (Request<Body>, Result<(), Error>) {
    let (service, mut server) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let answered = tokio::spawn(async move {
        let (request, respond) = server.next_request().await.unwrap();
        let body = Body::from(serde_json::to_vec(&answer).unwrap());
        respond.send_response(Response::builder().status(status).body(body).unwrap());
        request
    });
    let observation = vec![("kafka", DependencyState::Unreachable)];
    let since = "2026-11-21T06:00:00Z".parse().unwrap();
    let outcome = apply_over(Client::new(service, "rt"), &reporter(), &observation, since).await;
    (answered.await.unwrap(), outcome)
}

fn stack() -> Value {
    json!({"apiVersion": "realtimestack.io/v1alpha1", "kind": "RealtimeStack", "metadata": {"name": "demo"}})
}

#[tokio::test]
async fn applies_its_entry_to_the_status_as_the_pod() {
    let (request, outcome) = report_answered_with(StatusCode::OK, stack()).await;
    outcome.unwrap();
    assert_eq!(request.method(), "PATCH");
    assert_eq!(request.uri().path(), "/apis/realtimestack.io/v1alpha1/namespaces/rt/realtimestacks/demo/status");
    let query = request.uri().query().unwrap();
    assert!(query.contains("force=true") && query.contains("fieldManager=demo-api-x"), "{query}");
    assert_eq!(request.headers()["content-type"], "application/apply-patch+yaml");
    let body: Value = serde_json::from_slice(&request.into_body().collect_bytes().await.unwrap()).unwrap();
    assert_eq!(body["status"]["instances"][0]["pod"], "demo-api-x");
    assert_eq!(body["status"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_report_says_for_which_pod_and_stack() {
    let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "denied by policy", "reason": "Forbidden", "code": 403});
    let (_, outcome) = report_answered_with(StatusCode::FORBIDDEN, refusal).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.to_string(), "failed to apply the entry of pod demo-api-x to the status of stack demo");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("denied by policy"));
}

#[test]
fn an_unfinished_or_unchanged_board_is_no_news() {
    let board = Board::new(&["kafka", "redis"]);
    board.set("kafka", DependencyState::Ready);
    assert!(!has_news(&board.snapshot(), None));
    board.set("redis", DependencyState::Unreachable);
    let reported = entry::observe(&board.snapshot());
    assert!(has_news(&board.snapshot(), None) && !has_news(&board.snapshot(), Some(&reported)));
    board.set("redis", DependencyState::Ready);
    assert!(has_news(&board.snapshot(), Some(&reported)));
}
