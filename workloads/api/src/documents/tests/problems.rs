//! What is documented of requests that are refused.

use std::collections::BTreeSet;

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use realtime_socketio::server;

use super::*;

/// Media type and body.
async fn content(response: Response) -> (String, Value) {
    let kind = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (kind, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn each_refusal_of_socket_io_is_documented_in_the_form_that_it_has_and_nothing_else() {
    let document = openapi::document();
    let operations = &document["paths"][crate::socketio::PATH];
    for (method, problems) in [("get", &server::Problem::OF_GET[..]), ("post", &server::Problem::OF_POST[..])] {
        let responses = &operations[method]["responses"];
        let mut told = BTreeSet::new();
        for problem in problems {
            let response = problem.into_response();
            let status = response.status().as_u16().to_string();
            let (kind, body) = content(response).await;
            let content = &responses[&status]["content"][&kind];
            assert_eq!(faults(&document, &content["schema"], &body), Vec::<String>::new(), "{method} {problem:?}");
            let message = body["message"].as_str().unwrap();
            assert_eq!(content["examples"][message]["value"], body, "{method}");
            told.insert(status);
        }
        let documented: BTreeSet<String> =
            responses.as_object().unwrap().keys().filter(|status| *status >= &"400".to_owned()).cloned().collect();
        assert_eq!(documented, told, "{method}");
        assert_eq!(responses.get("101").is_some(), method == "get", "a websocket begins with a GET");
    }
}

#[test]
fn each_problem_is_that_of_an_operation_and_has_the_title_of_its_status() {
    let document = openapi::document();
    let paths = document["paths"].to_string();
    for (name, response) in document["components"]["responses"].as_object().unwrap() {
        assert!(paths.contains(&format!("#/components/responses/{name}\"")), "{name}");
        let example = &response["content"]["application/problem+json"]["example"];
        let status = StatusCode::from_bytes(name.trim_start_matches("Problem").as_bytes()).unwrap();
        let problem = Problem::new(status, "");
        assert_eq!((&example["status"], &example["title"]), (&json!(problem.status), &json!(problem.title)), "{name}");
        // Where the status alone does not say what is wrong, a program needs the code.
        assert_eq!(example["code"].is_string(), [401, 403, 409, 429].contains(&problem.status), "{name}");
    }
}
