//! The router and the OpenAPI document speak of the same routes.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::Document;

use super::*;

/// Methods that need no words: they follow from the others.
const IMPLIED: [&str; 2] = ["HEAD", "OPTIONS"];

/// Of each documented path its methods.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document: Value = serde_json::from_str(Document::OpenApi.text()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| (path.clone(), item.as_object().unwrap().keys().map(|it| it.to_uppercase()).collect()))
        .collect()
}

/// The paths of a router, which it tells in its form for people only.
fn paths(app: &Router) -> BTreeSet<String> {
    let text = format!("{app:?}");
    // Every second piece stands between quotes.
    let quoted = text.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/'));
    quoted
        .filter(|path| !path.contains("{*"))
        .map(|path| if path.len() > 1 { path.trim_end_matches('/') } else { path }.to_owned())
        .collect()
}

#[tokio::test]
async fn each_route_of_the_router_is_in_the_document_and_each_of_the_document_in_the_router() {
    let app = app(&state().0);
    assert_eq!(paths(&app), documented().into_keys().collect());
}

#[tokio::test]
async fn each_path_takes_the_methods_of_the_document_and_no_others() {
    let app = app(&state().0);
    for (path, methods) in documented().into_iter().filter(|(path, _)| *path != crate::socketio::PATH) {
        let address = path.replace("{id}", "01a1fd12-6991-7144-98a7-4c194d7e9b72").replace("{user}", "ada");
        let request = Request::builder().method("PATCH").uri(&address).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = response.headers()[header::ALLOW].to_str().unwrap().split(',').map(|it| it.trim().to_owned());
        let allowed: BTreeSet<String> = allowed.filter(|method| !IMPLIED.contains(&method.as_str())).collect();
        assert_eq!(allowed, methods, "{path}");
    }
}
