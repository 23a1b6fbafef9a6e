//! axum's own `Sse` over a broadcast channel, as its documentation shows it.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use futures::{Stream, StreamExt as _, stream};
use jiff::Timestamp;
use rdkafka::Message as _;
use rdkafka::consumer::{DefaultConsumerContext, StreamConsumer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use super::{PeerArguments, source};
use crate::record;

/// Events that a client may be behind.
const BEHIND: usize = 4096;
const BACKLOG: u32 = 4096;
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Serves until it is killed.
#[tokio::main]
pub(crate) async fn serve(arguments: &PeerArguments) -> Result<()> {
    let consumer: StreamConsumer = source::consumer::<DefaultConsumerContext, _>(&arguments.brokers)?;
    let (events, _) = channel(BEHIND);
    let router = Router::new().route("/events/stream", get(stream_events)).with_state(events.clone());
    // Where the delay cannot be switched off, the socket is gone already.
    let listener = listen(arguments.port)?.tap_io(|socket| _ = socket.set_nodelay(true));
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    tokio::select! {
        result = server => result.context("failed to await the server")?.context("failed to serve"),
        result = broadcast(&consumer, &events) => result,
    }
}

pub(super) fn listen(port: u16) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4().context("failed to create a socket")?;
    socket.set_reuseaddr(true).context("failed to share the port")?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).with_context(|| format!("failed to bind port {port}"))?;
    socket.listen(BACKLOG).with_context(|| format!("failed to listen on port {port}"))
}

async fn broadcast(consumer: &StreamConsumer, events: &Sender<Arc<str>>) -> Result<()> {
    loop {
        let record = consumer.recv().await.context("failed to read a record")?;
        let text = std::str::from_utf8(record.payload().unwrap_or_default()).context("a record is no text")?;
        // Without a client nobody receives it.
        _ = events.send(record::spliced(text, Timestamp::now()).into());
    }
}

async fn stream_events(State(events): State<Sender<Arc<str>>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let greeting = stream::once(async { Ok(Event::default().data(source::greeting())) });
    let events = stream::unfold(events.subscribe(), next).map(|data| Ok(Event::default().data(&*data)));
    Sse::new(greeting.chain(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// A client that is too far behind loses its stream: the figures must not count a stream with holes.
async fn next(mut events: Receiver<Arc<str>>) -> Option<(Arc<str>, Receiver<Arc<str>>)> {
    match events.recv().await {
        Ok(data) => Some((data, events)),
        Err(RecvError::Closed | RecvError::Lagged(_)) => None,
    }
}
