//! The page that shows the stack live: files of a folder, sent as they are. The API's own routes win over them.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
        header::{
            ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
            IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
};
use thiserror::Error;
use tower_http::services::ServeDir;
use tracing::error;

use crate::{error::ApiError, routes::service, state::ApiState};

/// The page itself; it names all other files.
const PAGE: &str = "/index.html";

/// Files below this folder have a hash of their content in their names.
const HASHED: &str = "/assets/";

/// The page loads what it consists of and speaks with its own origin, and nobody shows it within a page of his own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a browser asks and is told by the time of a file. All files of an image have the same time, so the page of another version of the same
/// length would pass for unchanged, and names files that are gone. The page is small, and files with a hash are not asked for again.
const CONDITIONS: [HeaderName; 5] = [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE];
const STAMPS: [HeaderName; 2] = [ETAG, LAST_MODIFIED];

/// What a file takes.
const METHODS: &str = "GET,HEAD";

const FOREVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// The folder of the page cannot be served.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The folder has no page.
    #[error("failed to find the console's page at {}", .path.display())]
    FindPage {
        /// Where it should be.
        path: PathBuf,
        source: io::Error,
    },
}

/// The files of the page.
#[derive(Clone, Debug)]
pub(crate) struct Console(Arc<Path>);

impl Console {
    /// The page whose files are in that folder.
    ///
    /// # Errors
    /// When there is no page in it.
    pub(crate) fn new(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(&PAGE[1..]);
        match std::fs::File::open(&path) {
            Ok(_) => Ok(Self(folder.into())),
            Err(source) => Err(Error::FindPage { path, source }),
        }
    }

    /// A file, compressed where that stands beside it and the client takes it; 404 and 405 as the API has them.
    async fn file(&self, mut request: Request) -> Response {
        for name in CONDITIONS {
            request.headers_mut().remove(name);
        }
        // A file that is there does not take the method; what is not there does not exist, whatever is asked of it.
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if !is_read {
            *request.method_mut() = Method::HEAD;
        }
        let caching = if request.uri().path().starts_with(HASHED) { FOREVER } else { ASK_AGAIN };
        let mut files = ServeDir::new(&self.0)
            .append_index_html_on_directories(false)
            .call_fallback_on_method_not_allowed(false)
            .precompressed_gzip();
        let mut response = match files.try_call(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) if is_no_file(&error) => return ApiError::UnknownPath.into_response(),
            Err(error) => {
                error!(error = &error as &dyn std::error::Error, "a file of the console cannot be read");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        if response.status() == StatusCode::NOT_FOUND {
            return ApiError::UnknownPath.into_response();
        }
        if !is_read {
            return ([(ALLOW, METHODS)], ApiError::UnknownMethod).into_response();
        }
        for name in STAMPS {
            response.headers_mut().remove(name);
        }
        let headers: [(HeaderName, &'static str); 4] = [
            (CACHE_CONTROL, caching),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        for (name, value) in headers {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// `GET /`: the page for who asks for HTML, else the service about itself.
pub(crate) async fn root(State(state): State<ApiState>, mut request: Request) -> Response {
    let mut response = match &state.console {
        Some(console) if wants_page(request.headers()) => {
            *request.uri_mut() = Uri::from_static(PAGE);
            console.file(request).await
        }
        _ => service::information().await.into_response(),
    };
    response.headers_mut().append(VARY, HeaderValue::from_static("accept"));
    response
}

/// What is no route: a file of the page, or nothing.
pub(crate) async fn fallback(State(state): State<ApiState>, request: Request) -> Response {
    match &state.console {
        Some(console) => console.file(request).await,
        None => ApiError::UnknownPath.into_response(),
    }
}

/// Whether the path can be that of no file, as opposed to one that cannot be read.
fn is_no_file(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory | InvalidFilename | InvalidInput)
}

/// Whether HTML is named, as browsers do, and no less wanted than JSON. `*/*`, which programs send, is no such wish.
fn wants_page(headers: &HeaderMap) -> bool {
    let quality = |wanted: &str| {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).filter_map(|range| quality_of(range, wanted)).fold(0.0, f32::max)
    };
    let page = quality("text/html");
    page > 0.0 && page >= quality("application/json")
}

/// How much a range of `Accept` wants that media type, if it names it.
fn quality_of(range: &str, wanted: &str) -> Option<f32> {
    let mut parts = range.split(';').map(str::trim);
    parts.next().filter(|name| name.eq_ignore_ascii_case(wanted))?;
    let named = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some(named.map_or(1.0, |quality| quality.parse().unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_page_to_browsers_and_json_to_programs() {
        for (accept, page) in [
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), true),
            (Some("application/json;q=0.5, Text/HTML"), true),
            (Some("text/html;q=0"), false),
            (Some("text/html;q=0.4, application/json"), false),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (None, false),
        ] {
            let accept = accept.map(|text| (ACCEPT, HeaderValue::from_static(text)));
            assert_eq!(wants_page(&accept.clone().into_iter().collect()), page, "{accept:?}");
        }
    }

    #[test]
    fn a_folder_without_a_page_is_refused() {
        let error = Console::new(Path::new("/nothing/here")).unwrap_err();
        assert_eq!(error.to_string(), "failed to find the console's page at /nothing/here/index.html");
    }
}
