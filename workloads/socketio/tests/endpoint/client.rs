//! Clients that speak by sockets of the standard library.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;
use tungstenite::{
    Message, WebSocket,
    protocol::{Role, frame::coding::CloseCode},
};

use super::world::{PATIENCE, World};

/// An answer, which ended with its connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a request whose answer is read later.
pub(crate) fn begin(address: SocketAddr, method: &str, target: &str, more: &str, body: &[u8]) -> TcpStream {
    let mut stream = connect(address);
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n{more}\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    stream
}

/// Reads an answer.
pub(crate) fn finish(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

pub(crate) fn ask(address: SocketAddr, method: &str, target: &str, body: &str) -> Answer {
    finish(begin(address, method, target, "", body.as_bytes()))
}

/// The id in the first packet.
pub(crate) fn session_id(open: &str) -> String {
    let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    open["sid"].as_str().unwrap().to_owned()
}

/// A client that asks.
pub(crate) struct Polling {
    pub(crate) address: SocketAddr,
    pub(crate) target: String,
    pub(crate) id: String,
}

impl Polling {
    /// With a session.
    pub(crate) fn open(world: &World) -> Self {
        Self::open_at(world, "socket.io")
    }

    pub(crate) fn open_at(world: &World, path: &str) -> Self {
        let target = format!("/{path}/?EIO=4&transport=polling");
        let answer = ask(world.address, "GET", &target, "");
        assert_eq!(answer.status, 200, "{answer:?}");
        let id = session_id(&answer.body);
        Self { address: world.address, target: format!("{target}&sid={id}"), id }
    }

    /// In the main namespace.
    pub(crate) fn enter(world: &World) -> Self {
        let client = Self::open(world);
        client.says("40");
        let mut pieces = Vec::new();
        while pieces.len() < 2 {
            pieces.extend(client.hears());
        }
        assert!(pieces[0].starts_with(r#"40{"#) && pieces[1].starts_with(r#"42["hello""#), "{pieces:?}");
        client
    }

    pub(crate) fn posts(&self, body: &str) -> Answer {
        ask(self.address, "POST", &self.target, body)
    }

    pub(crate) fn says(&self, body: &str) {
        let answer = self.posts(body);
        assert_eq!((answer.status, &*answer.body), (200, "ok"), "{answer:?}");
        assert!(answer.head.contains("content-type: text/html"), "{answer:?}");
    }

    pub(crate) fn polls(&self) -> Answer {
        finish(self.begins_to_poll())
    }

    pub(crate) fn begins_to_poll(&self) -> TcpStream {
        begin(self.address, "GET", &self.target, "", b"")
    }

    pub(crate) fn hears(&self) -> Vec<String> {
        packets(&self.polls())
    }
}

/// The packets of an answer.
pub(crate) fn packets(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("content-type: text/plain; charset=utf-8"), "{answer:?}");
    assert!(answer.head.contains("cache-control: no-store"), "{answer:?}");
    answer.body.split('\u{1e}').map(str::to_owned).collect()
}

/// A client with a websocket.
pub(crate) struct Socket(pub(crate) WebSocket<TcpStream>);

impl Socket {
    /// Asks for a websocket; what is sent behind the request comes with it.
    pub(crate) fn try_open(address: SocketAddr, target: &str) -> Result<Self, Answer> {
        let mut stream = connect(address);
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error} behind {head:?}"));
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        if !head.starts_with("http/1.1 101 ") {
            let mut body = String::new();
            stream.read_to_string(&mut body).unwrap();
            return Err(Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body });
        }
        assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
        Ok(Self(WebSocket::from_raw_socket(stream, Role::Client, None)))
    }

    /// With a session.
    pub(crate) fn open(world: &World) -> Self {
        let mut socket = Self::try_open(world.address, "/socket.io/?EIO=4&transport=websocket").unwrap();
        session_id(&socket.hears());
        socket
    }

    /// In the main namespace.
    pub(crate) fn enter(world: &World) -> Self {
        let mut socket = Self::open(world);
        socket.says("40");
        assert!(socket.hears().starts_with(r#"40{"sid":""#));
        assert!(socket.hears().starts_with(r#"42["hello""#));
        socket
    }

    pub(crate) fn says(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    pub(crate) fn says_bytes(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(bytes.to_vec())).unwrap();
    }

    pub(crate) fn hears(&mut self) -> String {
        match self.0.read().unwrap() {
            Message::Text(text) => text.to_string(),
            other => panic!("no text but {other:?}"),
        }
    }

    pub(crate) fn hears_bytes(&mut self) -> Vec<u8> {
        match self.0.read().unwrap() {
            Message::Binary(bytes) => bytes.to_vec(),
            other => panic!("no bytes but {other:?}"),
        }
    }

    /// Code and reason with which the server closes, and whether the connection ends.
    pub(crate) fn hears_close(&mut self) -> (u16, String) {
        loop {
            match self.0.read() {
                Ok(Message::Close(Some(frame))) => {
                    let _flushed = self.0.flush();
                    return (CloseCode::into(frame.code), frame.reason.to_string());
                }
                Ok(Message::Text(_) | Message::Binary(_)) => {}
                other => panic!("no close but {other:?}"),
            }
        }
    }

    /// Whether the connection has ended, one way or the other.
    pub(crate) fn has_ended(&mut self) -> bool {
        let mut scratch = [0; 64];
        match self.0.get_mut().read(&mut scratch) {
            Ok(length) => length == 0,
            Err(error) => matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
        }
    }
}
