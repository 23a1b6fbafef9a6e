//! The status of the stack, where the API server does not answer.

use super::*;

#[tokio::test]
async fn an_api_server_that_does_not_answer_is_named_with_when_to_come_again() {
    let (state, _publisher) = state();
    state.overview.is_not_answered().await;
    let response = app(&state).oneshot(get("/api/stack")).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    let problem = json(response).await;
    assert_eq!((&problem["dependency"], &problem["status"]), (&"kubernetes".into(), &503.into()));
    assert_eq!(problem["detail"], "the stack's status cannot be read from the API server now");
}

/// What was not answered is asked again when it is as old as a status may be: then here, outside of a cluster, there is none.
#[tokio::test(start_paused = true)]
async fn what_was_not_answered_is_asked_again() {
    let (state, _publisher) = state();
    state.overview.is_not_answered().await;
    let app = app(&state);
    let asked = async || app.clone().oneshot(get("/api/stack")).await.unwrap().status();
    assert_eq!(asked().await, StatusCode::SERVICE_UNAVAILABLE);
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert_eq!(asked().await, StatusCode::NOT_FOUND);
}
