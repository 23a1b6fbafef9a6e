//! Every other request, by hyper: HTTP/1 with whatever a client may say, and HTTP/2.

use std::{
    convert::Infallible,
    io::{self, Cursor},
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Version, header::CONNECTION};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, ReadBuf},
    sync::OwnedSemaphorePermit,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    accept::{Accepted, Server},
    desk::Outcome,
};
use crate::{
    opening::Opened,
    outlet::Outlet,
    pipe::pipe,
    shard::{Begins, Join},
    shared::Path,
};

/// Requests of one connection at once.
const CONCURRENT: u32 = 250;
/// A connection of HTTP/2 on which nothing is said is asked for a sign of life after this time, and has as long for it.
const SILENCE: Duration = Duration::from_secs(20);

/// Serves a connection, from the bytes that were received already, until it ends. At the token requests under way are finished.
pub(super) async fn answer(server: Arc<Server>, accepted: Accepted, received: Vec<u8>, is_http2: bool) {
    let Accepted { stream, peer, permit } = accepted;
    let (read, write) = stream.into_split();
    let read = Counted { read: Cursor::new(received).chain(read), _permit: permit };
    let io = TokioIo::new(tokio::io::join(read, write));
    let builder = builder(&server);
    let cut = CancellationToken::new();
    let service = service_fn(|request: Request<Incoming>| {
        // With HTTP/1 the stream is all there is on its connection; with HTTP/2 it is one of many, and ends alone.
        let cut = if is_http2 { CancellationToken::new() } else { cut.clone() };
        respond(server.clone(), request, peer, cut)
    });
    let mut connection = pin!(builder.serve_connection_with_upgrades(io, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cut.cancelled() => return,
        () = server.token.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        debug!(error = %error, "connection ended");
    }
}

fn not_plain() -> Response<Body> {
    let mut response =
        Response::new(Body::from("a websocket begins with a plain request of HTTP/1.1 that nothing follows"));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// What a socket is read from. It counts as one of the server's sockets for as long as it is there, also when it was upgraded and serves
/// websockets.
struct Counted<R> {
    read: R,
    _permit: OwnedSemaphorePermit,
}

impl<R: AsyncRead + Unpin> AsyncRead for Counted<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, buffer)
    }
}

fn builder(server: &Server) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(server.head_time)
        .max_buf_size(server.rule.bytes.max(8 * 1024));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(SILENCE)
        .keep_alive_timeout(SILENCE)
        .max_concurrent_streams(CONCURRENT)
        .max_header_list_size(u32::try_from(server.rule.bytes).unwrap_or(u32::MAX));
    builder
}

async fn respond(
    server: Arc<Server>,
    request: Request<Incoming>,
    peer: SocketAddr,
    cut: CancellationToken,
) -> Result<Response<Body>, Infallible> {
    let is_http2 = request.version() == Version::HTTP_2;
    match server.desk.answer(request.map(Body::new), peer).await {
        Outcome::Answer(response) => Ok(response),
        // Its socket is hyper's, which a shard cannot have.
        Outcome::Open(_, Opened::Session(..), _) => Ok(not_plain()),
        Outcome::Open(parts, Opened::Stream(grant), slot) => {
            let (writer, body) = pipe(cut, slot.map(|slot| Box::new(slot) as _));
            let outlet = Outlet::Pipe(writer);
            server.engine.join(Join {
                outlet,
                path: Path::Hyper,
                head: Bytes::new(),
                begins: Begins::Stream(grant),
                guard: None,
            });
            let mut response = Response::from_parts(parts, Body::new(body));
            if !is_http2 {
                // As on the plain way: a client that was told to come back is not waited for.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        }
    }
}
