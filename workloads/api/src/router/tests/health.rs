//! What the health says in each case, to its last field.

use jiff::Timestamp;
use serde_json::json;

use super::*;

/// The status, and the body without its time, which is checked to be now.
async fn told(states: [DependencyState; 3]) -> (u16, Value) {
    let (state, _publisher) = state();
    for (name, dependency) in ["postgres", "kafka", "redis"].into_iter().zip(states) {
        state.board.set(name, dependency);
    }
    let response = app(&state).oneshot(get("/api/health")).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    let status = response.status().as_u16();
    let mut body = json(response).await;
    let time = body.as_object_mut().unwrap().shift_remove("timestamp").unwrap();
    let time: Timestamp = time.as_str().unwrap().parse().unwrap();
    assert!((Timestamp::now() - time).total(jiff::Unit::Second).unwrap().abs() < 60.0, "{time}");
    (status, body)
}

fn service(status: &str, message: &str) -> Value {
    json!({ "status": status, "message": message })
}

#[tokio::test]
async fn without_postgres_it_is_unhealthy_and_says_of_each_service_why() {
    let (status, body) = told([DependencyState::Unreachable, DependencyState::Ready, DependencyState::Denied]).await;
    let services = json!({
        "postgres": service("unhealthy", "nothing answers at its address"),
        "kafka": service("healthy", "answers"),
        "redis": service("unhealthy", "refuses the credentials"),
    });
    assert_eq!((status, body), (503, json!({ "status": "unhealthy", "services": services })));
}

#[tokio::test]
async fn without_kafka_and_redis_it_is_degraded_and_still_serves() {
    let (status, body) = told([DependencyState::Ready, DependencyState::TimedOut, DependencyState::NotServing]).await;
    let services = json!({
        "postgres": service("healthy", "answers"),
        "kafka": service("unhealthy", "does not answer in time"),
        "redis": service("unhealthy", "answers but does not serve yet"),
    });
    assert_eq!((status, body), (200, json!({ "status": "degraded", "services": services })));
}

#[tokio::test]
async fn what_was_never_checked_is_not_called_healthy() {
    let (status, body) = told([DependencyState::Unknown; 3]).await;
    assert_eq!((status, &body["status"]), (503, &json!("unhealthy")));
    for name in ["postgres", "kafka", "redis"] {
        assert_eq!(body["services"][name], service("unhealthy", "not checked yet"), "{name}");
    }
}
