//! The clients of a measurement: thousands of streams or websockets on one thread.

pub(crate) mod head;
mod response;
mod socketio;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

use self::response::Response;
pub(crate) use self::response::id;
use self::socketio::SocketIo;
use crate::interruption::Interruption;
use crate::record;

/// Source addresses: one has ports for some 28,000 connections, and a limit for one address must not count here.
const ADDRESSES: u8 = 8;
/// Connections that are being opened at once, unless all are.
const OPENING: usize = 128;
/// A turn waits at most this long, so that a signal is seen.
const TURN: Duration = Duration::from_millis(100);

/// Sees each frame that a client got.
pub(crate) trait Watch {
    /// `now` is when the bytes were read, in nanoseconds since 1970.
    fn frame(&mut self, client: usize, frame: &[u8], now: u64);
}

impl<F: FnMut(usize, &[u8], u64)> Watch for F {
    fn frame(&mut self, client: usize, frame: &[u8], now: u64) {
        self(client, frame, now);
    }
}

/// What a client says and hears on its connection.
pub(crate) trait Protocol: Default {
    /// What it begins with. `headers` are lines beside the usual ones.
    fn request(server: SocketAddr, path: &str, headers: &str) -> String;

    /// Reads on. `frame` gets each frame that is whole now and that tells something; `reply` takes what the client has to say.
    ///
    /// # Errors
    /// When the connection was refused, or has ended, or this is another protocol.
    fn feed(&mut self, bytes: &[u8], reply: &mut Vec<u8>, frame: impl FnMut(&[u8])) -> Result<()>;
}

/// Clients that speak Socket.IO over websockets.
pub(crate) type SocketCrowd = Crowd<SocketIo>;

/// The clients. Those that are dropped reset their connections.
pub(crate) struct Crowd<P = Response> {
    server: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    clients: Vec<Option<Client<P>>>,
    /// With at least one frame.
    greeted: usize,
    lost: usize,
    first_loss: Option<String>,
    bytes: u64,
    interruption: Interruption,
}

struct Client<P> {
    socket: TcpStream,
    request: Option<String>,
    protocol: P,
    reply: Vec<u8>,
    greeted: bool,
}

impl Crowd {
    /// Nobody yet, and all will read streams of server-sent events.
    pub(crate) fn new(server: SocketAddr, interruption: Interruption) -> Result<Self> {
        Self::empty(server, interruption)
    }
}

impl SocketCrowd {
    /// Nobody yet, and all will speak Socket.IO.
    pub(crate) fn of_sockets(server: SocketAddr, interruption: Interruption) -> Result<Self> {
        Self::empty(server, interruption)
    }
}

impl<P: Protocol> Crowd<P> {
    fn empty(server: SocketAddr, interruption: Interruption) -> Result<Self> {
        Ok(Self {
            server,
            poll: Poll::new().context("failed to create a poll")?,
            events: Events::with_capacity(1024),
            buffer: vec![0; 256 * 1024],
            clients: Vec::new(),
            greeted: 0,
            lost: 0,
            first_loss: None,
            bytes: 0,
            interruption,
        })
    }

    /// Connects one more client, whose request has these header lines beside the usual ones. Gives its number.
    pub(crate) fn join(&mut self, path: &str, headers: &str) -> Result<usize> {
        let number = self.clients.len();
        let client = self.connect(number, path, headers)?;
        self.clients.push(Some(client));
        Ok(number)
    }

    /// Connects that client anew.
    pub(crate) fn rejoin(&mut self, number: usize, path: &str, headers: &str) -> Result<()> {
        self.leave(number);
        self.clients[number] = Some(self.connect(number, path, headers)?);
        Ok(())
    }

    /// Resets the connection of that client.
    pub(crate) fn leave(&mut self, number: usize) {
        if let Some(client) = self.clients[number].take() {
            self.greeted -= usize::from(client.greeted);
        }
    }

    /// Resets all connections.
    pub(crate) fn leave_all(&mut self) {
        (0..self.clients.len()).for_each(|number| self.leave(number));
    }

    /// Connects so many clients, some at a time, and returns when each has its first frame.
    pub(crate) fn gather(&mut self, count: usize, path: &str, limit: Duration, watch: &mut impl Watch) -> Result<()> {
        let begun = Instant::now();
        let goal = self.clients.len() + count;
        while self.greeted < goal {
            while self.clients.len() < goal && self.clients.len() - self.greeted < OPENING {
                self.join(path, "")?;
            }
            self.turn(TURN, watch)?;
            self.demand_all()?;
            if begun.elapsed() > limit {
                bail!("{} of {goal} clients were greeted within {} s", self.greeted, limit.as_secs());
            }
        }
        Ok(())
    }

    /// Reads what has come, waiting at most so long for it.
    pub(crate) fn turn(&mut self, wait: Duration, watch: &mut impl Watch) -> Result<()> {
        self.interruption.check()?;
        match self.poll.poll(&mut self.events, Some(wait.min(TURN))) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result.context("failed to wait for the clients' sockets")?,
        }
        for event in &self.events {
            let number = event.token().0;
            let Some(client) = &mut self.clients[number] else { continue };
            let greeted = client.greeted;
            let result = client.advance(number, event.is_read_closed(), &mut self.buffer, &mut self.bytes, watch);
            self.greeted += usize::from(client.greeted && !greeted);
            if let Err(error) = result {
                self.greeted -= usize::from(client.greeted);
                self.clients[number] = None;
                self.lost += 1;
                self.first_loss.get_or_insert_with(|| format!("{error:#}"));
            }
        }
        Ok(())
    }

    /// Reads until `done` says so.
    pub(crate) fn turn_until<W: Watch>(
        &mut self,
        limit: Duration,
        what: &str,
        watch: &mut W,
        done: impl Fn(&W) -> bool,
    ) -> Result<()> {
        let begun = Instant::now();
        while !done(watch) {
            self.turn(TURN, watch)?;
            self.demand_all()?;
            if begun.elapsed() > limit {
                bail!("{what} did not come within {} s", limit.as_secs());
            }
        }
        Ok(())
    }

    /// Reads for so long.
    pub(crate) fn turn_for(&mut self, time: Duration, watch: &mut impl Watch) -> Result<()> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.turn(left, watch)?;
        }
        self.demand_all()
    }

    /// An error when a connection was refused, or ended, or did not answer as a stream: what it would have received is missing.
    pub(crate) fn demand_all(&self) -> Result<()> {
        match &self.first_loss {
            None => Ok(()),
            Some(loss) => {
                bail!("{} of {} clients lost their streams; the first one: {loss}", self.lost, self.clients.len())
            }
        }
    }

    /// Bytes that all clients have read, heads and frames.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    fn connect(&self, number: usize, path: &str, headers: &str) -> Result<Client<P>> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), Some(socket2::Protocol::TCP));
        let socket = socket.context("failed to create a socket")?;
        socket.set_linger(Some(Duration::ZERO)).context("failed to make a socket reset when it is closed")?;
        let source = Ipv4Addr::new(127, 0, 0, 1 + u8::try_from(number % usize::from(ADDRESSES)).unwrap_or_default());
        socket.bind(&SocketAddr::from((source, 0)).into()).context("failed to bind a client's socket")?;
        match socket.connect(&self.server.into()) {
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => {
                Err(error).context("failed to connect a client")?
            }
            _ => {}
        }
        let mut socket = TcpStream::from_std(socket.into());
        let registry = self.poll.registry();
        registry
            .register(&mut socket, Token(number), Interest::READABLE | Interest::WRITABLE)
            .context("failed to watch a socket")?;
        let request = Some(P::request(self.server, path, headers));
        Ok(Client { socket, request, protocol: P::default(), reply: Vec::new(), greeted: false })
    }
}

/// `EINPROGRESS` of Linux.
const IN_PROGRESS: i32 = 115;

impl<P: Protocol> Client<P> {
    /// Sends the request if it is not sent, and reads what there is. `ends` says that the end of the stream is there, too.
    fn advance(
        &mut self,
        number: usize,
        ends: bool,
        buffer: &mut [u8],
        bytes: &mut u64,
        watch: &mut impl Watch,
    ) -> Result<()> {
        if let Some(request) = &self.request {
            match self.socket.write(request.as_bytes()) {
                Ok(written) if written == request.len() => self.request = None,
                Ok(written) => bail!("{written} bytes of the request were taken"),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => return Ok(()),
                Err(error) => return Err(error).context("failed to send the request"),
            }
        }
        loop {
            let read = match self.socket.read(buffer) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("failed to read"),
            };
            *bytes += read as u64;
            let now = record::now();
            self.protocol.feed(&buffer[..read], &mut self.reply, |frame| {
                self.greeted = true;
                watch.frame(number, frame, now);
            })?;
            if !self.reply.is_empty() {
                // A few bytes: they fit, or the server has not read for long.
                self.socket.write_all(&self.reply).context("failed to reply")?;
                self.reply.clear();
            }
            // The socket is empty, and tells when it is no longer: one call less for each delivery.
            if read < buffer.len() && !ends {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\r\ndata: a\n\n";
    const LIMIT: Duration = Duration::from_secs(10);

    /// Answers each connection at once with these bytes, and ends it or keeps it.
    fn serve(
        bytes: &'static [u8],
        connections: usize,
        keep: bool,
    ) -> (SocketAddr, thread::JoinHandle<Vec<std::net::TcpStream>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = move || {
            let mut kept = Vec::new();
            for _ in 0..connections {
                let (mut socket, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    assert!(socket.read(&mut request).unwrap() > 0);
                }
                socket.write_all(bytes).unwrap();
                if keep {
                    kept.push(socket);
                }
            }
            kept
        };
        (address, thread::spawn(answer))
    }

    #[test]
    fn a_crowd_is_gathered_when_each_client_has_a_frame_and_leaves_at_once() {
        let (server, sockets) = serve(HEAD, 10, true);
        let mut crowd = Crowd::new(server, Interruption::default()).unwrap();
        let mut frames = Vec::new();
        crowd.gather(10, "/", LIMIT, &mut |client, frame: &[u8], _| frames.push((client, frame.to_vec()))).unwrap();
        frames.sort();
        assert_eq!(frames, (0..10).map(|client| (client, b"data: a\n\n".to_vec())).collect::<Vec<_>>());
        assert_eq!(crowd.bytes(), 10 * HEAD.len() as u64);
        crowd.leave_all();
        assert_eq!(crowd.greeted, 0);
        for mut socket in sockets.join().unwrap() {
            assert_eq!(socket.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
    }

    #[test]
    fn a_stream_that_ends_is_lost_also_when_its_last_frame_comes_with_its_end() {
        let (server, sockets) = serve(HEAD, 1, false);
        let mut crowd = Crowd::new(server, Interruption::default()).unwrap();
        crowd.join("/", "").unwrap();
        let begun = Instant::now();
        let mut frames = 0;
        while crowd.clients[0].as_ref().is_some_and(|client| client.request.is_some()) {
            crowd.turn(TURN, &mut |_, _: &[u8], _| frames += 1).unwrap();
        }
        // Frame and end are both there before the next look.
        sockets.join().unwrap();
        while crowd.demand_all().is_ok() {
            crowd.turn(TURN, &mut |_, _: &[u8], _| frames += 1).unwrap();
            assert!(begun.elapsed() < LIMIT, "the end was not seen");
        }
        let loss = crowd.demand_all().unwrap_err().to_string();
        assert_eq!(loss, "1 of 1 clients lost their streams; the first one: the server closed the connection");
        assert_eq!((frames, crowd.greeted), (1, 0));
    }
}
