//! The page's files, beside the API's routes.

use std::fs;

use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, VARY,
};

use super::*;
use crate::console::Console;

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// Asks an API that serves a page with one script.
async fn ask(method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Response<Body> {
    let folder = std::env::temp_dir().join(format!("console-{}", uuid::Uuid::now_v7()));
    fs::create_dir_all(folder.join("assets")).unwrap();
    fs::create_dir_all(folder.join("api")).unwrap();
    for (name, text) in [
        ("index.html", "<!doctype html>"),
        ("index.html.gz", "compressed"),
        ("assets/index-1a2b.js", "run()"),
        ("api/health", "not the API's"),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    let mut state = state().0;
    state.console = Some(Console::new(&folder).unwrap());
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let response = app(&state).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    fs::remove_dir_all(&folder).unwrap();
    Response::from_parts(parts, Body::from(body))
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn header(response: &Response<Body>, name: HeaderName) -> String {
    let values: Vec<&str> = response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
    values.join(", ")
}

#[tokio::test]
async fn the_root_is_a_page_for_browsers_and_json_for_programs() {
    let page = ask(Method::GET, "/", &[(ACCEPT, HTML)]).await;
    assert_eq!((page.status(), header(&page, CONTENT_TYPE)), (StatusCode::OK, "text/html".to_owned()));
    assert_eq!(header(&page, CACHE_CONTROL), "no-cache");
    assert!(header(&page, VARY).contains("accept"), "{page:?}");
    assert_eq!(text(page).await, "<!doctype html>");

    let information = ask(Method::GET, "/", &[(ACCEPT, "*/*")]).await;
    assert!(header(&information, VARY).contains("accept"), "{information:?}");
    assert_eq!(json(information).await["name"], "realtime-api");
}

#[tokio::test]
async fn the_page_is_sent_compressed_to_who_takes_it() {
    let page = ask(Method::GET, "/", &[(ACCEPT, HTML), (ACCEPT_ENCODING, "gzip, br")]).await;
    assert_eq!(header(&page, CONTENT_ENCODING), "gzip");
    assert!(header(&page, VARY).contains("accept-encoding"), "{page:?}");
    assert_eq!(text(page).await, "compressed");
}

#[tokio::test]
async fn the_page_may_load_nothing_from_elsewhere_nor_be_framed() {
    let page = ask(Method::GET, "/", &[(ACCEPT, HTML)]).await;
    let policy = header(&page, CONTENT_SECURITY_POLICY);
    for directive in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert_eq!(header(&page, HeaderName::from_static("x-content-type-options")), "nosniff");
}

#[tokio::test]
async fn files_with_a_hash_in_their_names_are_kept_by_browsers() {
    let script = ask(Method::GET, "/assets/index-1a2b.js", &[]).await;
    assert_eq!(header(&script, CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_eq!((header(&script, CONTENT_TYPE), text(script).await), ("text/javascript".to_owned(), "run()".to_owned()));
    let head = ask(Method::HEAD, "/assets/index-1a2b.js", &[]).await;
    assert_eq!((head.status(), text(head).await), (StatusCode::OK, String::new()));
}

#[tokio::test]
async fn a_page_never_passes_for_unchanged_by_its_time() {
    let later = "Fri, 31 Dec 2100 23:59:59 GMT";
    let page = ask(Method::GET, "/", &[(ACCEPT, HTML), (IF_MODIFIED_SINCE, later), (IF_NONE_MATCH, "*")]).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(!page.headers().contains_key(ETAG) && !page.headers().contains_key(LAST_MODIFIED), "{page:?}");
}

#[tokio::test]
async fn routes_win_over_files() {
    let health = ask(Method::GET, "/api/health", &[(ACCEPT, HTML)]).await;
    assert_ne!(text(health).await, "not the API's");
}

#[tokio::test]
async fn what_is_no_file_is_answered_as_before() {
    let long = format!("/assets/{}", "x".repeat(300));
    for (method, path, status) in [
        (Method::GET, long.as_str(), StatusCode::NOT_FOUND),
        (Method::GET, "/assets/index-1a2b.js/more", StatusCode::NOT_FOUND),
        (Method::GET, "/assets/a%00b", StatusCode::NOT_FOUND),
        (Method::GET, "/assets/other.js", StatusCode::NOT_FOUND),
        (Method::GET, "/assets/", StatusCode::NOT_FOUND),
        (Method::GET, "/assets/../../etc/passwd", StatusCode::NOT_FOUND),
        (Method::GET, "/%2e%2e/%2e%2e/etc/passwd", StatusCode::NOT_FOUND),
        (Method::POST, "/assets/other.js", StatusCode::NOT_FOUND),
        (Method::DELETE, "/api/other", StatusCode::NOT_FOUND),
        (Method::POST, "/assets/index-1a2b.js", StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "/", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let response = ask(method.clone(), path, &[]).await;
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(header(&response, CONTENT_TYPE), "application/problem+json", "{method} {path}");
        let allowed = if status == StatusCode::METHOD_NOT_ALLOWED { "GET,HEAD" } else { "" };
        assert_eq!(header(&response, ALLOW), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn without_a_page_everybody_is_told_of_the_service() {
    let request = Request::get("/").header(ACCEPT, HTML).body(Body::empty()).unwrap();
    assert_eq!(json(send(request).await).await["name"], "realtime-api");
}
