//! The ops server: liveness, readiness, dependencies and metrics, on a port of its own.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus::{Registry, TextEncoder};
use realtime_contract::paths;
use serde::Serialize;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::dependencies::{Board, Phase, Snapshot};
use crate::http;

/// The ops server cannot start.
#[derive(Debug, Error)]
pub enum Error {
    /// The port is taken or forbidden.
    #[error("failed to bind the ops server to port {port}")]
    BindPort {
        /// The port.
        port: u16,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
}

/// Binds the port and serves until the token is cancelled.
///
/// # Errors
/// [`Error`] when the port cannot be bound.
pub async fn serve(
    port: u16,
    board: Board,
    registry: Registry,
    token: CancellationToken,
) -> Result<JoinHandle<()>, Error> {
    let listener = http::bind(port).map_err(|source| Error::BindPort { port, source })?;
    info!(port, "ops server listens");
    let served = axum::serve(listener, router(board, registry)).with_graceful_shutdown(token.cancelled_owned());
    Ok(tokio::spawn(async move {
        if let Err(error) = served.await {
            error!(error = %error, "ops server ended");
        }
    }))
}

/// The routes, for the server and for tests.
pub fn router(board: Board, registry: Registry) -> Router {
    Router::new()
        .route(paths::LIVE, get(|| async { "ok\n" }))
        .route(paths::READY, get(readiness))
        .route(paths::DEPENDENCIES, get(dependencies))
        .with_state(board)
        .merge(Router::new().route(paths::METRICS, get(metrics)).with_state(registry))
}

async fn readiness(State(board): State<Board>) -> (StatusCode, String) {
    let snapshot = board.snapshot();
    let status = if snapshot.is_serving() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, readiness_text(&snapshot))
}

fn readiness_text(snapshot: &Snapshot) -> String {
    if snapshot.phase == Phase::Draining {
        return "draining\n".to_owned();
    }
    let missing = snapshot.dependencies.iter().filter(|dependency| !dependency.answered);
    let waiting: Vec<String> =
        missing.map(|dependency| format!("{} {}", dependency.name, dependency.state.message())).collect();
    match (waiting.is_empty(), snapshot.phase) {
        (false, _) => format!("starting: {}\n", waiting.join(", ")),
        (true, Phase::Starting) => "starting\n".to_owned(),
        (true, _) => "ready\n".to_owned(),
    }
}

#[derive(Serialize)]
struct DependencyBody {
    name: &'static str,
    ready: bool,
    state: realtime_contract::readiness::DependencyState,
    message: &'static str,
}

async fn dependencies(State(board): State<Board>) -> Json<Vec<DependencyBody>> {
    let body = board.snapshot().dependencies.into_iter().map(|dependency| DependencyBody {
        name: dependency.name,
        ready: dependency.state.is_ready(),
        state: dependency.state,
        message: dependency.state.message(),
    });
    Json(body.collect())
}

async fn metrics(State(registry): State<Registry>) -> Response {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            error!(error = %error, "metrics cannot be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use realtime_contract::readiness::DependencyState;
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn readiness_names_what_it_waits_for() {
        let board = Board::new(&["redis", "kafka"]);
        board.set("redis", DependencyState::Ready);
        board.set("kafka", DependencyState::Denied);
        assert_eq!(readiness_text(&board.snapshot()), "starting: kafka refuses the credentials\n");
        board.set("kafka", DependencyState::Ready);
        assert_eq!(readiness_text(&board.snapshot()), "starting\n");
        board.started();
        board.set("kafka", DependencyState::Unreachable);
        assert_eq!(readiness_text(&board.snapshot()), "ready\n");
        board.draining();
        assert_eq!(readiness_text(&board.snapshot()), "draining\n");
    }

    #[tokio::test]
    async fn serves_dependencies_and_metrics_over_http() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let registry = crate::metrics::registry("realtime-test").unwrap();
        tokio::spawn(axum::serve(listener, router(Board::new(&["redis"]), registry)).into_future());
        for (path, status, text) in [
            ("/livez", "200 OK", "ok"),
            ("/readyz", "503 Service Unavailable", "starting: redis not checked yet"),
            (
                "/dependencies",
                "200 OK",
                r#"[{"name":"redis","ready":false,"state":"Unknown","message":"not checked yet"}]"#,
            ),
            ("/metrics", "200 OK", "realtime_build_info"),
        ] {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(text), "{path}: {answer}");
        }
    }
}
