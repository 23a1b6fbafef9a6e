//! What the API says about itself: an OpenAPI document of its requests, an AsyncAPI document of the streams of the stack, and a page of both.
//!
//! ```text
//! shapes (types) ─► schemas ─┬─► openapi  ─┬─► JSON: served, and committed in docs/
//!                            └─► asyncapi ─┴─► page
//! ```

mod asyncapi;
mod openapi;
mod page;
mod schemas;
mod shapes;

use std::io::{self, Write as _};
use std::sync::LazyLock;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use serde_json::Value;

/// Where the documents and the page are.
pub(crate) const OPENAPI_PATH: &str = "/api/openapi.json";
pub(crate) const ASYNCAPI_PATH: &str = "/api/asyncapi.json";
pub(crate) const PAGE_PATH: &str = "/api/docs";

/// The page has its style in itself, and nothing else is loaded or run.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| text(&openapi::document()).into());
static ASYNCAPI: LazyLock<Bytes> = LazyLock::new(|| text(&asyncapi::document()).into());
static PAGE: LazyLock<Bytes> = LazyLock::new(|| page::render(&openapi::document(), &asyncapi::document()).into());

/// One of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    OpenApi,
    AsyncApi,
}

impl Document {
    /// Its text, as it is served and committed: JSON in lines, with a line break at its end.
    pub(crate) fn text(self) -> &'static str {
        let bytes = match self {
            Self::OpenApi => &*OPENAPI,
            Self::AsyncApi => &*ASYNCAPI,
        };
        std::str::from_utf8(bytes).expect("it was made of text")
    }
}

/// Writes the document to stdout.
///
/// # Errors
/// When stdout takes no more.
pub(crate) fn print(document: Document) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(document.text().as_bytes())?;
    stdout.flush()
}

fn text(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The routes of the documents and the page, which anybody may read.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let json = |document: &'static LazyLock<Bytes>| get(async || (content("application/json"), Bytes::clone(document)));
    Router::new()
        .route(OPENAPI_PATH, json(&OPENAPI))
        .route(ASYNCAPI_PATH, json(&ASYNCAPI))
        .route(PAGE_PATH, get(async || (page_headers(), Bytes::clone(&PAGE)).into_response()))
}

fn content(kind: &'static str) -> [(axum::http::HeaderName, HeaderValue); 2] {
    let sniff = HeaderValue::from_static("nosniff");
    [(CONTENT_TYPE, HeaderValue::from_static(kind)), (X_CONTENT_TYPE_OPTIONS, sniff)]
}

fn page_headers() -> [(axum::http::HeaderName, HeaderValue); 3] {
    let [kind, sniff] = content("text/html; charset=utf-8");
    [kind, sniff, (CONTENT_SECURITY_POLICY, PAGE_POLICY)]
}

#[cfg(test)]
mod tests;
