use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use jsonschema::Validator;
use realtime_chassis::http::Problem;
use realtime_contract::Component;
use realtime_contract::event::{JsonText, Notification, NotificationCreated, NotificationStatus};
use realtime_contract::figures::{Counts, Figures};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use super::*;

mod problems;
mod streamed;

/// Checks a value against a schema of the document.
fn validator(document: &Value, schema: &Value) -> Validator {
    let mut whole = json!({"components": {"schemas": document["components"]["schemas"]}, "allOf": [schema]});
    whole["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    jsonschema::validator_for(&whole).unwrap()
}

fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    validator(document, schema).iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn assert_shape(document: &Value, name: &str, value: &Value) {
    assert_eq!(faults(document, &schemas::named(name), value), Vec::<String>::new(), "{name}: {value}");
}

/// Everything in the document that has both a schema and an example.
fn examples<'a>(value: &'a Value, found: &mut Vec<(&'a Value, &'a Value)>) {
    if let Some(schema) = value.get("schema") {
        let several = value.get("examples").and_then(Value::as_object).into_iter().flatten();
        let several = several.filter_map(|(_, example)| example.get("value"));
        found.extend(value.get("example").into_iter().chain(several).map(|example| (schema, example)));
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|value| examples(value, found)),
        Value::Array(items) => items.iter().for_each(|value| examples(value, found)),
        _ => {}
    }
}

#[test]
fn each_example_is_what_its_schema_says() {
    let document = openapi::document();
    let mut found = Vec::new();
    examples(&document, &mut found);
    assert!(found.len() > 30, "{}", found.len());
    for (schema, example) in found {
        assert_eq!(faults(&document, schema, example), Vec::<String>::new(), "{example}");
    }
}

fn notification(data: Option<&str>) -> Notification {
    Notification {
        id: Uuid::now_v7(),
        message: "hello".to_owned(),
        kind: "info".to_owned(),
        channel: "default".to_owned(),
        status: NotificationStatus::Processed,
        timestamp: "2026-11-21T06:00:00.123Z".parse().unwrap(),
        data: data.map(|data| JsonText::from_text(data.to_owned()).unwrap()),
    }
}

#[test]
fn the_shapes_are_those_of_what_is_sent() {
    let (openapi, asyncapi) = (openapi::document(), asyncapi::document());
    for data in [None, Some("[1]"), Some("\"text\""), Some("{}")] {
        for document in [&openapi, &asyncapi] {
            assert_shape(document, "Notification", &json!(notification(data)));
        }
        let created = NotificationCreated::new(Uuid::now_v7(), notification(data));
        assert_shape(&asyncapi, "NotificationCreated", &json!(created));
    }
    let problem = Problem::new(axum::http::StatusCode::NOT_FOUND, "no").field("f").dependency("d").code("C");
    assert_shape(&openapi, "Problem", &json!(problem));
    let figures = Figures::new("demo-api-a", Component::Api, std::time::Duration::from_secs(1), Counts::default());
    assert_shape(&openapi, "InstanceFigures", &json!(figures));
    let wrong = json!({"id": "x", "message": 7});
    assert!(!faults(&openapi, &schemas::named("Notification"), &wrong).is_empty(), "the check can fail");
}

#[test]
fn every_reference_leads_somewhere() {
    for document in [openapi::document(), asyncapi::document()] {
        let mut open = vec![&document];
        let mut references = 0;
        while let Some(value) = open.pop() {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                references += 1;
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            open.extend(value.as_object().into_iter().flat_map(|fields| fields.values()));
            open.extend(value.as_array().into_iter().flatten());
        }
        assert!(references > 30, "{references}");
    }
}

#[test]
fn each_operation_has_a_name_of_its_own_and_a_tag_that_is_explained() {
    let document = openapi::document();
    let tags: Vec<&str> = document["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut names = std::collections::BTreeSet::new();
    for operation in document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
    {
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{}", operation["operationId"]);
        assert!(tags.contains(&operation["tags"][0].as_str().unwrap()), "{}", operation["tags"]);
    }
}

#[tokio::test]
async fn the_service_names_each_path_of_the_document_but_its_own() {
    let axum::Json(told) = crate::routes::service::information().await;
    let mut named: Vec<&str> = told["endpoints"].as_object().unwrap().values().map(|it| it.as_str().unwrap()).collect();
    let document = openapi::document();
    let mut paths: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    paths.retain(|path| *path != "/");
    named.sort_unstable();
    paths.sort_unstable();
    assert_eq!(named, paths);
    assert_shape(&document, "Information", &told);
}

#[test]
fn the_committed_documents_are_those_of_the_code() {
    for (document, file) in [(Document::OpenApi, "openapi.json"), (Document::AsyncApi, "asyncapi.json")] {
        let path = format!("{}/../../docs/{file}", env!("CARGO_MANIFEST_DIR"));
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == document.text(), "docs/{file} is not that of the code: run `cargo xtask generate`");
    }
}

async fn served(path: &str) -> (String, String, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router::<()>().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let header =
        |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (kind, policy) = (header(CONTENT_TYPE), header(CONTENT_SECURITY_POLICY));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (kind, policy, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_documents_are_served_as_they_are_committed() {
    for (path, document) in [(OPENAPI_PATH, Document::OpenApi), (ASYNCAPI_PATH, Document::AsyncApi)] {
        let (kind, _, body) = served(path).await;
        assert_eq!((kind.as_str(), body.as_str()), ("application/json", document.text()));
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_stream_and_loads_nothing() {
    let (kind, policy, page) = served(PAGE_PATH).await;
    assert_eq!(kind, "text/html; charset=utf-8");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let document = openapi::document();
    for operation in document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
    {
        assert!(page.contains(&format!("<article id={}", operation["operationId"])), "{}", operation["operationId"]);
    }
    for channel in asyncapi::document()["channels"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("<article id=\"{channel}\"")), "{channel}");
    }
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("http"), "nothing of elsewhere");
}

#[tokio::test]
async fn each_link_within_the_page_leads_somewhere() {
    let (.., page) = served(PAGE_PATH).await;
    // What stands before the first link is none.
    let links: Vec<&str> = page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() > 50, "{}", links.len());
    for link in links {
        assert!(page.contains(&format!("id=\"{link}\"")), "#{link}");
    }
}
