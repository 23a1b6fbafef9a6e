//! Clients: one that speaks to the socket, and one of HTTP/2.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::{body::Incoming, client::conn::http2::SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::world::{HEARTBEAT, PATIENCE};
use crate::event_source::{EventSource, Seen};

/// A plain request for the stream.
pub(crate) const PLAIN: &str = "GET /events/stream HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n";
/// The same in a form that goes by way of hyper.
pub(crate) const ODD: &str = "GET http://a/events/stream HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n";

/// A client that sees every byte.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    pub(crate) received: Vec<u8>,
    body: Option<Body>,
    source: EventSource,
}

/// How far the body was read, and whether it comes in chunks.
struct Body {
    at: usize,
    chunked: bool,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) fn of(socket: TcpStream) -> Self {
        Self { socket, received: Vec::new(), body: None, source: EventSource::default() }
    }

    /// One whose system takes few bytes that it does not read.
    pub(crate) async fn with_small_buffer(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        SockRef::from(&socket).set_recv_buffer_size(4096).unwrap();
        Self::of(socket.connect(address).await.unwrap())
    }

    pub(crate) async fn request(address: SocketAddr, text: &str) -> Self {
        let mut client = Self::connect(address).await;
        client.send(text).await;
        client
    }

    /// A stream that has begun.
    pub(crate) async fn stream(address: SocketAddr, text: &str) -> Self {
        let mut client = Self::request(address, text).await;
        let first = client.event().await;
        assert_eq!(first.data, r#"{"type":"connection"}"#);
        client
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    /// False at the end. A reset is an end, too.
    pub(crate) async fn read(&mut self) -> bool {
        let read = timeout(PATIENCE, self.socket.read_buf(&mut self.received)).await.expect("nothing comes");
        read.unwrap_or_default() > 0
    }

    /// Everything up to the end.
    pub(crate) async fn rest(&mut self) -> String {
        while self.read().await {}
        String::from_utf8_lossy(&self.received).into_owned()
    }

    /// The next event that is no sign of life.
    pub(crate) async fn event(&mut self) -> Seen {
        loop {
            self.source.seen.retain(|seen| seen.data != HEARTBEAT);
            if !self.source.seen.is_empty() {
                return self.source.seen.remove(0);
            }
            assert!(self.read().await, "the stream ended: {:?}", String::from_utf8_lossy(&self.received));
            self.take_body();
        }
    }

    /// Lets go of what was read and seen.
    pub(crate) fn forget(&mut self) {
        if let Some(body) = &mut self.body {
            self.received.drain(..body.at);
            body.at = 0;
        }
    }

    /// How long the client was told to wait before it comes back; everything was read.
    pub(crate) async fn retry(&mut self) -> Duration {
        self.rest().await;
        self.take_body();
        Duration::from_millis(self.source.reconnection_time.expect("no retry"))
    }

    fn take_body(&mut self) {
        if self.body.is_none() {
            let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") else { return };
            let head = String::from_utf8_lossy(&self.received[..end]).to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
            assert!(head.contains("content-type: text/event-stream"), "{head}");
            self.body = Some(Body { at: end + 4, chunked: head.contains("transfer-encoding: chunked") });
        }
        let Some(body) = &mut self.body else { return };
        if !body.chunked {
            self.source.read(&self.received[body.at..]);
            body.at = self.received.len();
            return;
        }
        while let Some((chunk, next)) = chunk(&self.received, body.at) {
            self.source.read(chunk);
            body.at = next;
        }
    }
}

/// The next chunk of a chunked body, if it is there, and where the one behind it begins.
fn chunk(received: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let line = received[at..].windows(2).position(|two| two == b"\r\n")?;
    let length = usize::from_str_radix(std::str::from_utf8(&received[at..at + line]).ok()?, 16).ok()?;
    let begin = at + line + 2;
    Some((received.get(begin..begin + length)?, begin + length + 2)).filter(|(_, next)| *next <= received.len())
}

/// A stream in HTTP/2.
pub(crate) struct Http2 {
    pub(crate) sender: SendRequest<Empty<Bytes>>,
}

impl Http2 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), socket).await.unwrap();
        tokio::spawn(connection);
        Self { sender }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response<Incoming> {
        let request = Request::get(format!("http://a{path}")).header("accept", "text/event-stream");
        let answer = self.sender.send_request(request.body(Empty::new()).unwrap());
        timeout(PATIENCE, answer).await.expect("no answer").unwrap()
    }
}

/// The next events of a body.
pub(crate) async fn events(response: &mut Response<Incoming>, count: usize) -> Vec<Seen> {
    let mut source = EventSource::default();
    while source.seen.len() < count {
        let frame = timeout(PATIENCE, response.body_mut().frame()).await.expect("nothing comes");
        source.read(frame.expect("the stream ended").unwrap().data_ref().unwrap());
        source.seen.retain(|seen| seen.data != HEARTBEAT);
    }
    source.seen
}
