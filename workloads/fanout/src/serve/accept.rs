//! From the listener to one task for each socket.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use super::{
    desk::Desk,
    general,
    head::{Head, Rule},
    raw,
};
use crate::Engine;

/// Pauses after failures to accept: descriptors or memory are missing, and come back when connections end.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Room for the head of a browser.
const HEAD: usize = 1024;

/// What the tasks of all sockets share.
pub(super) struct Server {
    pub(super) desk: Desk,
    pub(super) engine: Engine,
    pub(super) rule: Rule,
    pub(super) head_time: Duration,
    pub(super) sockets: Arc<Semaphore>,
    pub(super) tune: fn(&TcpStream),
    pub(super) token: CancellationToken,
}

/// A client's socket. Its permit lives as long.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) permit: OwnedSemaphorePermit,
}

impl Server {
    /// Accepts until the token is cancelled, and ends when every connection has.
    pub(super) async fn run(self: Arc<Self>, listener: TcpListener) {
        let tasks = TaskTracker::new();
        let token = self.token.clone();
        // When all clients come back at once, whoever waits to be accepted too long is turned away by the system. So accepting, which is little,
        // does not take turns with answering.
        tokio::task::unconstrained(async {
            tokio::select! {
                () = self.accept(&listener, &tasks) => {}
                () = token.cancelled() => {}
            }
        })
        .await;
        drop(listener);
        tasks.close();
        tasks.wait().await;
        self.engine.ended().await;
    }

    async fn accept(self: &Arc<Self>, listener: &TcpListener, tasks: &TaskTracker) {
        let mut pause = SHORTEST_PAUSE;
        // The semaphore is never closed.
        while let Ok(permit) = self.sockets.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    if pause > SHORTEST_PAUSE {
                        info!("connections are accepted again");
                        pause = SHORTEST_PAUSE;
                    }
                    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                    tasks.spawn(self.clone().attend(Accepted { stream, peer, permit }));
                }
                Err(error) if concerns_one_client(&error) => {}
                Err(error) => {
                    if pause == SHORTEST_PAUSE {
                        warn!(error = %error, "no connection can be accepted");
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn attend(self: Arc<Self>, mut accepted: Accepted) {
        (self.tune)(&accepted.stream);
        let mut received = Vec::with_capacity(HEAD);
        let head = tokio::select! {
            head = timeout(self.head_time, self.read_head(&mut accepted.stream, &mut received)) => head,
            // Nobody waits for an answer yet.
            () = self.token.cancelled() => return,
        };
        match head {
            Ok(Ok(Head::Stream(parts))) => {
                drop(received);
                raw::answer(&self, accepted, *parts).await;
            }
            Ok(Ok(Head::Http2)) => general::answer(self, accepted, received, true).await,
            Ok(Ok(Head::Other)) => general::answer(self, accepted, received, false).await,
            // The client left, or took too long.
            Ok(Ok(Head::Incomplete) | Err(_)) | Err(_) => {}
        }
    }

    /// Reads until it can be said what the client wants, or the client says nothing more.
    async fn read_head(&self, stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<Head> {
        while stream.read_buf(received).await? > 0 {
            match self.rule.read(received) {
                Head::Incomplete => {}
                head => return Ok(head),
            }
        }
        Ok(Head::Incomplete)
    }
}

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
