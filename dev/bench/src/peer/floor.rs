//! The floor: a bare loop that writes the same bytes to the same sockets. It knows no request, no filter, no queue and no slow client.

use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, DefaultConsumerContext};
use socket2::{Domain, Protocol, Socket, Type};

use super::{PeerArguments, source};
use crate::record;

/// Between two looks at the listener. A record ends the wait at once.
const WAIT: Duration = Duration::from_millis(1);
/// Bytes of one write in the batched mode.
const BATCH: usize = 64 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n";

/// Serves until it is killed. With `batched`, all records at hand go out in one write.
pub(crate) fn serve(arguments: &PeerArguments, batched: bool) -> Result<()> {
    let consumer: BaseConsumer = source::consumer::<DefaultConsumerContext, _>(&arguments.brokers)?;
    let listener = listen(arguments.port)?;
    let mut sockets: Vec<TcpStream> = Vec::new();
    let mut bytes = Vec::new();
    let mut wait = WAIT;
    loop {
        accept(&listener, &mut sockets)?;
        if let Some(record) = consumer.poll(wait) {
            let record = record.context("failed to read a record")?;
            let text = std::str::from_utf8(record.payload().unwrap_or_default()).context("a record is no text")?;
            let data = record::spliced(text, Timestamp::now());
            write!(bytes, "data: {data}\n\n").context("failed to render a record")?;
            if batched && bytes.len() < BATCH {
                wait = Duration::ZERO;
                continue;
            }
        }
        wait = WAIT;
        if !bytes.is_empty() {
            sockets.retain_mut(|socket| send(socket, &bytes).is_ok());
            bytes.clear();
        }
    }
}

fn listen(port: u16) -> Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), Some(Protocol::TCP))
        .context("failed to create a socket")?;
    socket.set_reuse_address(true).context("failed to share the port")?;
    let address = std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    socket.bind(&address.into()).with_context(|| format!("failed to bind port {port}"))?;
    socket.listen(BACKLOG).with_context(|| format!("failed to listen on port {port}"))?;
    Ok(socket.into())
}

fn accept(listener: &TcpListener, sockets: &mut Vec<TcpStream>) -> Result<()> {
    loop {
        match listener.accept() {
            Ok((mut socket, _)) => {
                socket.set_nodelay(true).context("failed to switch off the delay of a socket")?;
                let greeted = write!(socket, "{HEAD}data: {}\n\n", source::greeting());
                let ready = greeted.and_then(|()| socket.set_nonblocking(true));
                if ready.is_ok() {
                    sockets.push(socket);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // The client went before it was accepted.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error).context("failed to accept a connection"),
        }
    }
}

/// A full socket is waited for: a blocking write takes the rest.
fn send(socket: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let written = match socket.write(bytes) {
        Ok(written) if written == bytes.len() => return Ok(()),
        Ok(written) => written,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => return Err(error),
    };
    socket.set_nonblocking(false)?;
    socket.write_all(&bytes[written..])?;
    socket.set_nonblocking(true)
}
