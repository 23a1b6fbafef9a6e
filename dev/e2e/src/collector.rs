//! The receiving end of OTLP over HTTP: takes what processes export and keeps it as it came.

use std::net::{IpAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// One request of an exporter.
#[derive(Clone, Debug)]
pub struct Export {
    /// As in `/v1/traces`.
    pub path: String,
    /// The message in Protocol Buffers.
    pub body: Vec<u8>,
}

impl Export {
    /// Whether the message holds these bytes: a name as text, or a trace id as its 16 bytes.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.body.windows(bytes.len()).any(|window| window == bytes)
    }
}

/// A collector on this machine, at an address that pods can reach.
pub struct Collector {
    /// What exporters are to be given.
    pub endpoint: String,
    exports: Arc<Mutex<Vec<Export>>>,
}

impl Collector {
    /// Listens on the address from which this machine talks to that pod.
    ///
    /// # Panics
    /// When there is no way to the pod, or no port.
    pub async fn start(pod: &str) -> Self {
        let address = own_address(pod).unwrap_or_else(|error| panic!("failed to find the way to {pod}: {error}"));
        let listener = TcpListener::bind((address, 0)).await;
        let listener = listener.unwrap_or_else(|error| panic!("failed to listen on {address}: {error}"));
        let bound = listener.local_addr().unwrap_or_else(|error| panic!("failed to read the own port: {error}"));
        let exports = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&exports);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&kept)));
            }
        });
        Self { endpoint: format!("http://{bound}"), exports }
    }

    /// What has come so far.
    pub fn exports(&self) -> Vec<Export> {
        self.exports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Nothing is sent: connecting only asks for the route.
pub(crate) fn own_address(pod: &str) -> std::io::Result<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect((pod, 9))?;
    Ok(socket.local_addr()?.ip())
}

async fn serve(connection: TcpStream, exports: Arc<Mutex<Vec<Export>>>) {
    let mut connection = BufReader::new(connection);
    while let Ok(Some(export)) = read(&mut connection).await {
        exports.lock().unwrap_or_else(PoisonError::into_inner).push(export);
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One request with a `Content-Length`, as exporters and pages send it; `None` at the end of the connection.
pub(crate) async fn read(connection: &mut BufReader<TcpStream>) -> std::io::Result<Option<Export>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let mut headers = lines.iter().filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok(Some(Export { path, body }))
}
