//! A client of Socket.IO that speaks by requests.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Status line and body of an answer.
pub(super) async fn request(address: SocketAddr, method: &str, target: &str, body: &str) -> (String, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head =
        format!("{method} {target} HTTP/1.1\r\nhost: api\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = timeout(Duration::from_secs(10), socket.read_to_string(&mut answer)).await;
    read.unwrap_or_else(|_| panic!("{method} {target} is not answered")).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// A client that speaks by requests.
pub(super) struct Client {
    address: SocketAddr,
    target: String,
    came: VecDeque<String>,
}

impl Client {
    /// In no namespace yet.
    pub(super) async fn open(address: SocketAddr) -> Self {
        let target = "/socket.io/?EIO=4&transport=polling";
        let (_, body) = request(address, "GET", target, "").await;
        let open: Value = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
        let target = format!("{target}&sid={}", open["sid"].as_str().unwrap());
        Self { address, target, came: VecDeque::new() }
    }

    /// In the namespace `/`, and what it was told: the answer, and `connected` with its cursor.
    pub(super) async fn enter(address: SocketAddr, auth: Value) -> (Self, Value, Value, String) {
        let mut client = Self::open(address).await;
        client.send(&format!("40{auth}")).await;
        let answer = client.next().await;
        let answer = serde_json::from_str(answer.strip_prefix("40").unwrap()).unwrap();
        let (name, connected, cursor) = client.event().await;
        assert_eq!(name, "connected");
        (client, answer, connected, cursor)
    }

    pub(super) async fn send(&self, packet: &str) {
        let (status, body) = request(self.address, "POST", &self.target, packet).await;
        assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 200 OK", "ok"), "{packet}");
    }

    pub(super) async fn next(&mut self) -> String {
        while self.came.is_empty() {
            let (status, body) = request(self.address, "GET", &self.target, "").await;
            assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
            self.came.extend(body.split('\x1e').map(ToOwned::to_owned));
        }
        self.came.pop_front().unwrap()
    }

    /// What a client gets whose session ends, or has ended.
    pub(super) async fn last(&self) -> String {
        request(self.address, "GET", &self.target, "").await.1
    }

    /// Name, data and cursor of the next packet, which is an event of the namespace `/`.
    pub(super) async fn event(&mut self) -> (String, Value, String) {
        let packet = self.next().await;
        let event = packet.strip_prefix("42").unwrap_or_else(|| panic!("{packet} is no event"));
        serde_json::from_str(event).unwrap()
    }
}
