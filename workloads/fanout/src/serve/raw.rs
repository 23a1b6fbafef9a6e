//! A plain request for a stream or a websocket, without hyper: its socket goes to a shard.

use std::{io, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, request};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};
use tracing::debug;

use super::{
    accept::{Accepted, Server},
    answer,
    desk::Outcome,
};
use crate::{
    opening::Opened,
    outlet::{Outlet, Socket},
    shard::{Begins, Join},
    shared::Path,
};

/// Bytes that a client may send while it waits for its answer.
const HEARD: usize = 64 * 1024;
/// How long a client may take to end the connection once it has its answer.
const LINGER: Duration = Duration::from_secs(1);

/// Has the request answered, unless its client leaves first.
pub(super) async fn answer(server: &Arc<Server>, accepted: Accepted, parts: request::Parts) {
    let Accepted { stream, peer, permit } = accepted;
    let outcome = tokio::select! {
        outcome = server.desk.answer(Request::from_parts(parts, Body::empty()), peer) => outcome,
        () = left(&stream) => return,
    };
    let ended = match outcome {
        Outcome::Open(parts, opened, slot) => stream.into_std().map(|stream| {
            let outlet = Outlet::Socket(Socket::new(stream));
            let guard = Some(Box::new((slot, permit)) as _);
            match opened {
                Opened::Stream(grant) => {
                    let head = answer::head_of_stream(&parts);
                    server.engine.join(Join { outlet, path: Path::Raw, head, begins: Begins::Stream(grant), guard });
                }
                Opened::Session(session, address) => {
                    let head = answer::head_of_upgrade(&parts);
                    let begins = Begins::Session(session);
                    let join = Join { outlet, path: Path::WebSocket, head, begins, guard };
                    match address {
                        Some(address) => server.engine.join_at(address, join),
                        None => server.engine.join(join),
                    }
                }
            }
        }),
        Outcome::Answer(response) => {
            let whole = answer::whole(response).await;
            timeout(server.head_time, write(stream, &whole)).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        debug!(error = %error, "answer not sent");
    }
}

/// Ends when the client has closed the connection, or says more than it has to say; what it says is dropped.
async fn left(stream: &TcpStream) {
    let mut scratch = [0; 256];
    let mut heard = 0;
    while heard <= HEARD && stream.readable().await.is_ok() {
        match stream.try_read(&mut scratch) {
            Ok(0) => return,
            Ok(length) => heard += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// The client gets a moment to close first: bytes of its that nobody read would otherwise take the answer with them.
async fn write(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    // It had its moment.
    let _ended = timeout(LINGER, left(&stream)).await;
    Ok(())
}
