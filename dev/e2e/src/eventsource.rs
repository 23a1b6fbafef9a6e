//! Many EventSources: clients as browsers have them, that come back by themselves with the id that they saw last.
//!
//! All of them share one thread. What they follow is
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>: a stream that ends or cannot be reached is opened again, any other answer
//! than an event stream ends the client for good.

pub mod parser;
pub mod response;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use parser::{Message, Signal};
use response::Response;

/// The wait before a client comes back, until a server says another one. Browsers have a few seconds.
const RECONNECTION: Duration = Duration::from_secs(1);
/// A connection attempt is given up after this time.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Gives the number of an event of the test, or nothing for events that are none of it.
pub type Numbering = Arc<dyn Fn(&str) -> Option<u32> + Send + Sync>;

/// What has become of a client so far.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Numbers of its events, as they came.
    pub received: Vec<u32>,
    /// Bytes of all events' data.
    pub bytes: u64,
    /// How often a stream has begun.
    pub opened: u32,
    /// Greetings: the first event of each stream.
    pub greetings: u32,
    /// When a stream ended that the client had not left, and how long it was told to wait.
    pub ended: Vec<(Instant, Duration)>,
    /// Data of the events that say that something is missing.
    pub gaps: Vec<String>,
    /// The id that it would come back with.
    pub last_event_id: String,
    /// Why it gave up for good.
    pub refused: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Open,
    Away,
    End,
}

struct Member {
    // Host and port, path with query.
    address: String,
    target: String,
    record: Mutex<Record>,
    numbering: Numbering,
}

/// Clients that are open as long as this value lives.
pub struct Crowd {
    members: Vec<Arc<Member>>,
    wishes: Vec<watch::Sender<Wish>>,
    thread: Option<JoinHandle<()>>,
}

impl Crowd {
    /// One client for each URL, as in `http://10.0.0.1:3001/events/stream?types=LowStockWarning`.
    ///
    /// # Panics
    /// When a URL is none, or no thread can be started.
    pub fn open(urls: &[String], numbering: &Numbering) -> Self {
        let members: Vec<Arc<Member>> = urls.iter().map(|url| Arc::new(Member::new(url, numbering))).collect();
        let mut wishes = Vec::new();
        let mut clients = Vec::new();
        for member in &members {
            let (sender, receiver) = watch::channel(Wish::Open);
            wishes.push(sender);
            clients.push((Arc::clone(member), receiver));
        }
        let spawned = thread::Builder::new().name("crowd".to_owned()).spawn(move || live(clients));
        let thread = spawned.unwrap_or_else(|error| panic!("failed to start the thread of the clients: {error}"));
        Self { members, wishes, thread: Some(thread) }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What has become of a client so far.
    pub fn record(&self, client: usize) -> Record {
        self.members[client].record().clone()
    }

    /// A number of each client's record.
    pub fn of_each<T>(&self, number: impl Fn(&Record) -> T) -> Vec<T> {
        self.members.iter().map(|member| number(&member.record())).collect()
    }

    /// Closes a client's connection; it stays away, and keeps its id.
    pub fn leave(&self, client: usize) {
        self.wish(client, Wish::Away);
    }

    /// Has a client come back with the id that it had.
    pub fn return_to(&self, client: usize) {
        self.wish(client, Wish::Open);
    }

    fn wish(&self, client: usize, wish: Wish) {
        self.wishes[client].send_replace(wish);
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for client in 0..self.len() {
            self.wish(client, Wish::End);
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("the thread of the clients has panicked");
        }
    }
}

fn live(clients: Vec<(Arc<Member>, watch::Receiver<Wish>)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("failed to start the runtime of the clients: {error}"));
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for (member, wishes) in clients {
            tasks.spawn(async move { member.run(wishes).await });
        }
        tasks.join_all().await;
    });
}

impl Member {
    fn new(url: &str, numbering: &Numbering) -> Self {
        let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url} is no URL of plain HTTP"));
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        Self {
            address: address.to_owned(),
            target: format!("/{path}"),
            record: Mutex::default(),
            numbering: Arc::clone(numbering),
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, mut wishes: watch::Receiver<Wish>) {
        let mut wait = RECONNECTION;
        loop {
            let wish = *wishes.borrow_and_update();
            let changed = match wish {
                Wish::End => return,
                Wish::Away => wishes.changed().await,
                Wish::Open => tokio::select! {
                    changed = wishes.changed() => changed,
                    refused = self.stream(&mut wait) => {
                        if refused.is_some() {
                            self.record().refused = refused;
                            return;
                        }
                        tokio::select! {
                            changed = wishes.changed() => changed,
                            () = tokio::time::sleep(wait) => Ok(()),
                        }
                    }
                },
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// One connection to its end; why the client does not come back, if it does not.
    async fn stream(&self, wait: &mut Duration) -> Option<String> {
        let mut response = Response::default();
        let ended = self.read(&mut response, wait).await;
        if response.is_open() {
            self.record().ended.push((Instant::now(), *wait));
        }
        // What the network does ends a connection, never the client.
        ended.unwrap_or_default()
    }

    async fn read(&self, response: &mut Response, wait: &mut Duration) -> io::Result<Option<String>> {
        let connected = tokio::time::timeout(ATTEMPT, TcpStream::connect(&self.address)).await;
        let mut connection = connected??;
        connection.write_all(self.request().as_bytes()).await?;
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = connection.read(&mut buffer).await?;
            if count == 0 {
                return Ok(None);
            }
            let before = response.is_open();
            let mut record = self.record();
            let fed = response.feed(&buffer[..count], |signal| match signal {
                Signal::Message(message) => record.take(&message, &self.numbering),
                Signal::LastEventId(id) => record.last_event_id = id,
                Signal::Retry(told) => *wait = told,
            });
            record.opened += u32::from(!before && response.is_open());
            if let Err(refusal) = fed {
                return Ok(Some(refusal));
            }
        }
    }

    fn request(&self) -> String {
        let id = &self.record().last_event_id;
        let id = if id.is_empty() { String::new() } else { format!("Last-Event-ID: {id}\r\n") };
        let (target, address) = (&self.target, &self.address);
        format!(
            "GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\nCache-Control: no-store\r\n{id}\r\n"
        )
    }
}

impl Record {
    fn take(&mut self, message: &Message, numbering: &Numbering) {
        self.bytes += message.data.len() as u64;
        match message.event.as_str() {
            "gap" => self.gaps.push(message.data.clone()),
            _ if message.data.starts_with(r#"{"type":"connection""#) => self.greetings += 1,
            _ => self.received.extend(numbering(&message.data)),
        }
    }
}
