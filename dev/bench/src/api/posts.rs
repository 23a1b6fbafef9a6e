//! POSTs over connections that are kept. Each is sent when it is due, whether or not earlier ones are answered.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::crowd::head::{Head, demand_status, header};

const LIMIT: Duration = Duration::from_secs(10);
/// A connection that rested for longer is not used again: servers close idle ones, Node after 5 s.
const REST: Duration = Duration::from_secs(2);

/// The connections.
pub(super) struct Posts {
    server: SocketAddr,
    /// Each with the time of its last answer, the latest at the end.
    idle: Vec<(TcpStream, Instant)>,
    busy: Vec<Pending>,
}

/// A connection that waits for an answer.
struct Pending {
    socket: TcpStream,
    head: Head,
    /// Bytes of the body that are still to come; none while the head is not whole.
    left: Option<usize>,
}

impl Posts {
    /// No connection yet.
    pub(super) const fn to(server: SocketAddr) -> Self {
        Self { server, idle: Vec::new(), busy: Vec::new() }
    }

    /// Sends one POST, over a new connection if all are busy.
    pub(super) fn send(&mut self, path: &str, body: &str) -> Result<()> {
        self.idle.retain(|(_, since)| since.elapsed() < REST);
        let mut socket = match self.idle.pop() {
            Some((socket, _)) => socket,
            None => self.connect()?,
        };
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.server,
            body.len()
        );
        socket.write_all(request.as_bytes()).context("failed to post")?;
        self.busy.push(Pending { socket, head: Head::default(), left: None });
        Ok(())
    }

    /// Reads the answers that have come. One that is not 201 is an error.
    pub(super) fn read(&mut self) -> Result<()> {
        for mut pending in std::mem::take(&mut self.busy) {
            if pending.read()? {
                self.idle.push((pending.socket, Instant::now()));
            } else {
                self.busy.push(pending);
            }
        }
        Ok(())
    }

    fn connect(&self) -> Result<TcpStream> {
        let socket = TcpStream::connect_timeout(&self.server, LIMIT).context("failed to connect for a POST")?;
        socket.set_nodelay(true).context("failed to switch off the delay of a socket")?;
        socket.set_nonblocking(true).context("failed to make a socket non-blocking")?;
        Ok(socket)
    }
}

impl Pending {
    /// Whether the answer is whole.
    fn read(&mut self) -> Result<bool> {
        let mut buffer = [0; 4096];
        loop {
            let read = match self.socket.read(&mut buffer) {
                Ok(0) => bail!("the server closed the connection of a POST"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).context("failed to read the answer of a POST"),
            };
            let mut body = &buffer[..read];
            if self.left.is_none() {
                let Some((head, behind)) = self.head.feed(body)? else { continue };
                demand_status(&head, "201").context("a POST was not taken")?;
                let length = header(&head, "content-length").and_then(|length| length.parse().ok());
                self.left = Some(length.context("the answer of a POST has no length")?);
                body = behind;
            }
            let left = self.left.unwrap_or_default();
            self.left = Some(left.checked_sub(body.len()).context("the answer of a POST is too long")?);
            if self.left == Some(0) {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers on one connection, each request with one answer.
    fn serve(answers: [&'static str; 3]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(socket.try_clone().unwrap());
            for answer in answers {
                let mut line = String::new();
                while line != "\r\n" {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                }
                reader.read_exact(&mut [0; 2]).unwrap();
                socket.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    fn settle(posts: &mut Posts) -> Result<()> {
        let begun = Instant::now();
        while !posts.busy.is_empty() && begun.elapsed() < LIMIT {
            posts.read()?;
        }
        Ok(())
    }

    #[test]
    fn a_connection_is_used_again_and_a_refusal_is_an_error() {
        let created = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        let server = serve([created, created, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"]);
        let mut posts = Posts::to(server);
        for _ in 0..2 {
            posts.send("/", "{}").unwrap();
            settle(&mut posts).unwrap();
            assert_eq!((posts.idle.len(), posts.busy.len()), (1, 0));
        }
        posts.send("/", "{}").unwrap();
        assert_eq!(settle(&mut posts).unwrap_err().root_cause().to_string(), "the server answered \"503\"");
    }
}
