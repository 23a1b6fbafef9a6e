//! What the HTTP server of a workload needs: sockets, CORS, and what is observed of every request.

mod observe;
pub mod problem;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{SockRef, TcpKeepalive};
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tracing::debug;

pub use observe::{RequestMetrics, observe};
pub use problem::Problem;

/// Bytes that the kernel buffers for a client: a slow one must be noticed by its queue, not hidden by its socket.
const SEND_BUFFER: usize = 64 * 1024;
/// Clients that wait to be accepted, as far as the system allows so many: when all of an instance come back at once, one that finds no room
/// tries again only after a second.
const BACKLOG: u32 = 16 * 1024;
/// After this time without a sign from the client, data that waits for it is given up, and the connection with it.
const UNSENT_LIMIT: Duration = Duration::from_secs(30);
/// A connection on which nothing is said is probed after this time, and given up when no probe is answered.
const IDLE: Duration = Duration::from_secs(60);
const PROBE: Duration = Duration::from_secs(10);

/// Open files that are no connections of clients: those of the backends, the ops server's, logs, and some to spare.
const OWN_FILES: usize = 512;

/// Headers that pages of other origins may read.
const EXPOSED: [&str; 7] =
    ["idempotency-replayed", "link", "retry-after", "www-authenticate", "x-cache", "x-trace-id", "x-unread-count"];

/// The server cannot be made.
#[derive(Debug, Error)]
pub enum Error {
    /// The port is taken or forbidden.
    #[error("failed to bind the server to port {port}")]
    BindPort {
        /// The port.
        port: u16,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// An origin is no origin.
    #[error(
        "failed to read origin {origin} of CORS_ORIGIN, which looks like http://localhost:3000, several by comma, or *"
    )]
    ReadOrigin {
        /// The text.
        origin: String,
    },
}

/// Connections that clients may hold open: the limit of open files, which is raised as far as the system allows, less what the process
/// needs for itself; half of it at least.
pub fn connections() -> usize {
    let files = usize::try_from(open_files()).unwrap_or(usize::MAX);
    files.saturating_sub(OWN_FILES).max(files / 2)
}

/// The limit of open files, raised from what processes get by default to what they may have.
fn open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if raised.current != limit.current
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        debug!(error = %error, "limit of open files stays as it is");
    }
    // Without any limit, memory is the bound.
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// On every address of both families, or of the older one where the host has no IPv6.
///
/// # Errors
/// The system's reason when the port is taken or forbidden.
pub fn bind(port: u16) -> std::io::Result<TcpListener> {
    listen(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)))
        .or_else(|_| listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))))
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Sets the options of a client's socket.
pub fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(IDLE).with_interval(PROBE).with_retries(3);
    let tuned = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER))
        .and_then(|()| socket.set_tcp_user_timeout(Some(UNSENT_LIMIT)))
        .and_then(|()| socket.set_tcp_keepalive(&keepalive));
    if let Err(error) = tuned {
        debug!(error = %error, "socket keeps the system's options");
    }
}

/// The answer to other origins: those of the list (by comma) may read answers and send cookies; with `*` any may read.
///
/// # Errors
/// [`Error`] when an entry is no origin.
pub fn cors(origins: &str) -> Result<CorsLayer, Error> {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED.map(HeaderName::from_static))
        .max_age(Duration::from_secs(600));
    if origins.trim() == "*" {
        return Ok(layer.allow_origin(Any));
    }
    let origins = origins.split(',').map(origin).collect::<Result<Vec<_>, _>>()?;
    Ok(layer.allow_origin(origins).allow_credentials(true))
}

fn origin(text: &str) -> Result<HeaderValue, Error> {
    let text = text.trim();
    let malformed = || Error::ReadOrigin { origin: text.to_owned() };
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).ok_or_else(malformed)?;
    if host.is_empty() || host.contains(['/', '*', ' ']) {
        return Err(malformed());
    }
    HeaderValue::from_str(text).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_have_the_files_that_the_process_may_open_and_does_not_need() {
        let connections = connections();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum, "the limit was not raised");
        let files = usize::try_from(limit.current.unwrap()).unwrap();
        assert!(connections < files && connections >= files / 2, "{connections} of {files}");
    }

    #[test]
    fn origins_are_scheme_and_host() {
        assert!(cors("http://localhost:3000, https://shop.example").is_ok());
        assert!(cors("*").is_ok());
        for text in ["localhost:3000", "http://", "http://a/path", "", "http://a,*"] {
            assert!(cors(text).is_err(), "{text}");
        }
    }
}
