//! Requests over connections that are kept: on each one after the other, as fast as the answers come.

mod exchange;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

pub(super) use self::exchange::{List, Posts};
use crate::crowd::head::{Head, demand_status, header};
use crate::interruption::Interruption;
use crate::scenario::milliseconds;

/// Connections: each has one request under way at any time.
pub(super) const CONNECTIONS: usize = 64;
/// A turn waits at most this long, so that a signal is seen.
const TURN: Duration = Duration::from_millis(100);
/// Until the last answers are there.
const LAST: Duration = Duration::from_secs(10);
/// A request that takes longer counts as this.
const LONGEST: u64 = 60_000_000_000;

/// What is asked, and what must be answered.
pub(super) trait Exchange {
    /// The next request, head and body.
    fn request(&mut self, server: SocketAddr) -> String;

    /// The status of every answer.
    fn status(&self) -> &'static str;

    /// Looks at the body of an answer.
    ///
    /// # Errors
    /// When it is not what was asked for.
    fn check(&mut self, body: &[u8]) -> Result<()>;
}

/// What was found.
pub(super) struct Answers {
    durations: Histogram<u64>,
    /// Seconds of the clock.
    pub(super) seconds: f64,
}

impl Answers {
    /// How many came.
    pub(super) fn count(&self) -> f64 {
        self.durations.len() as f64
    }

    /// The time that so many of all do not exceed, in milliseconds.
    pub(super) fn quantile(&self, quantile: f64) -> f64 {
        milliseconds(self.durations.value_at_quantile(quantile))
    }
}

/// The connections.
pub(super) struct Requests {
    server: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    clients: Vec<Client>,
    interruption: Interruption,
}

struct Client {
    socket: TcpStream,
    /// What is left to write of a request.
    unsent: Vec<u8>,
    begun: Instant,
    head: Head,
    /// Bytes that the body will have; none while the head is not whole.
    length: Option<usize>,
    body: Vec<u8>,
    busy: bool,
}

impl Requests {
    /// Connects.
    pub(super) fn to(server: SocketAddr, interruption: Interruption) -> Result<Self> {
        let poll = Poll::new().context("failed to create a poll")?;
        let connect = |number: usize| {
            let mut socket = TcpStream::connect(server).context("failed to connect for requests")?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut socket, Token(number), interest).context("failed to watch a socket")?;
            Ok(Client::new(socket))
        };
        let clients = (0..CONNECTIONS).map(connect).collect::<Result<Vec<_>>>()?;
        let events = Events::with_capacity(CONNECTIONS);
        Ok(Self { server, poll, events, buffer: vec![0; 64 * 1024], clients, interruption })
    }

    /// Asks for so long, and waits for the last answers.
    pub(super) fn run(&mut self, time: Duration, exchange: &mut impl Exchange) -> Result<Answers> {
        let durations = Histogram::new_with_bounds(1000, LONGEST, 3).context("failed to create the histogram")?;
        let (begun, mut answers) = (Instant::now(), Answers { durations, seconds: 0.0 });
        for client in &mut self.clients {
            client.ask(self.server, exchange)?;
        }
        while self.clients.iter().any(|client| client.busy) {
            self.interruption.check()?;
            if begun.elapsed() > time + LAST {
                bail!("the last answers did not come within {} s", LAST.as_secs());
            }
            self.turn(begun, time, exchange, &mut answers)?;
        }
        answers.seconds = begun.elapsed().as_secs_f64();
        Ok(answers)
    }

    fn turn(
        &mut self,
        begun: Instant,
        time: Duration,
        exchange: &mut impl Exchange,
        found: &mut Answers,
    ) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(TURN)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled.context("failed to wait for answers")?,
        }
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            client.write()?;
            // An answer is followed by the next request at once, and may be followed by its answer, which makes no event of its own.
            while client.read(&mut self.buffer, exchange)? {
                let duration = u64::try_from(client.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
                found.durations.saturating_record(duration);
                if begun.elapsed() >= time {
                    break;
                }
                client.ask(self.server, exchange)?;
            }
        }
        Ok(())
    }
}

/// Posts and reads, once on each connection.
pub(super) fn probe(server: SocketAddr, interruption: Interruption) -> Result<()> {
    let mut requests = Requests::to(server, interruption)?;
    requests.run(Duration::ZERO, &mut Posts::default())?;
    requests.run(Duration::ZERO, &mut List::default()).map(drop)
}

impl Client {
    fn new(socket: TcpStream) -> Self {
        let (unsent, body) = (Vec::new(), Vec::new());
        Self { socket, unsent, begun: Instant::now(), head: Head::default(), length: None, body, busy: false }
    }

    fn ask(&mut self, server: SocketAddr, exchange: &mut impl Exchange) -> Result<()> {
        self.unsent = exchange.request(server).into_bytes();
        (self.begun, self.busy) = (Instant::now(), true);
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => break,
                Err(error) => return Err(error).context("failed to send a request"),
            }
        }
        Ok(())
    }

    /// Whether an answer is whole, which is then checked.
    fn read(&mut self, buffer: &mut [u8], exchange: &mut impl Exchange) -> Result<bool> {
        while self.busy {
            let read = match self.socket.read(buffer) {
                Ok(0) => bail!("the server closed a connection that is kept"),
                Ok(read) => read,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return Ok(false);
                }
                Err(error) => return Err(error).context("failed to read an answer"),
            };
            let mut bytes = &buffer[..read];
            if self.length.is_none() {
                let Some((head, behind)) = self.head.feed(bytes)? else { continue };
                demand_status(&head, exchange.status())?;
                let length = header(&head, "content-length").and_then(|length| length.parse().ok());
                self.length = Some(length.context("an answer has no length")?);
                bytes = behind;
            }
            self.body.extend_from_slice(bytes);
            if self.length.is_some_and(|length| self.body.len() >= length) {
                exchange.check(&self.body)?;
                (self.length, self.busy) = (None, false);
                self.body.clear();
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    struct Greeting;

    impl Exchange for Greeting {
        fn request(&mut self, _: SocketAddr) -> String {
            "GET / HTTP/1.1\r\n\r\n".to_owned()
        }

        fn status(&self) -> &'static str {
            "200"
        }

        fn check(&mut self, body: &[u8]) -> Result<()> {
            if body == b"hello" { Ok(()) } else { bail!("another body") }
        }
    }

    /// Answers each request with the text.
    fn serve(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for client in listener.incoming() {
                thread::spawn(move || {
                    let mut client = client.unwrap();
                    let lines = BufReader::new(client.try_clone().unwrap()).lines();
                    for _ in lines.map_while(Result::ok).filter(String::is_empty) {
                        client.write_all(answer.as_bytes()).unwrap();
                    }
                });
            }
        });
        address
    }

    fn ask(answer: &'static str) -> Result<Answers> {
        let mut requests = Requests::to(serve(answer), Interruption::default())?;
        requests.run(Duration::from_millis(50), &mut Greeting)
    }

    #[test]
    fn each_connection_asks_again_when_its_answer_is_whole() {
        let answers = ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
        assert!(answers.count() >= 2.0 * CONNECTIONS as f64, "{}", answers.count());
        assert!(answers.quantile(0.5) <= answers.quantile(0.99));
    }

    #[test]
    fn an_answer_that_is_not_what_was_asked_for_ends_the_measurement() {
        for (answer, reason) in [
            ("HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nhello", "the server answered \"503\""),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhowdy", "another body"),
            ("HTTP/1.1 200 OK\r\n\r\nhello", "an answer has no length"),
        ] {
            assert_eq!(ask(answer).err().map(|error| error.to_string()).as_deref(), Some(reason));
        }
    }
}
