//! All clients lose their connections at once, come back at once, and resume: how long a new client waits meanwhile, and whether each
//! gets exactly what it missed.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use socket2::SockRef;

use super::{GATHERING, PATH, TAIL, Trial, Values, milliseconds};
use crate::crowd::{self, Crowd, Watch};
use crate::figures::Metric;
use crate::record;

const CLIENTS: usize = 8000;
/// Events before the storm: afterwards each client knows where it is in every partition.
const BEFORE: usize = 12;
/// Events that all miss.
const MISSED: usize = 60;
/// Time for the server to read what is missed.
const READ: Duration = Duration::from_millis(500);
/// Of a measurement of newcomers in calm.
const CALM: Duration = Duration::from_secs(1);
/// Between two newcomers.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let mut crowd = Crowd::new(trial.subject.address, trial.interruption.clone())?;
    let mut returns = Returns::new(record::now());
    crowd.gather(CLIENTS, PATH, GATHERING, &mut returns)?;
    let calm = Newcomers::start(trial.subject.address)?;
    crowd.turn_for(CALM, &mut returns)?;
    let calm = calm.stop()?;
    produce(trial, BEFORE)?;
    crowd.turn_until(TAIL, "the events before the storm", &mut returns, |returns| returns.have(BEFORE))?;
    if returns.ids.iter().any(Option::is_none) {
        bail!("the frames have no id, so nobody can resume");
    }
    crowd.leave_all();
    returns.forget();
    produce(trial, MISSED)?;
    thread::sleep(READ);

    let newcomers = Newcomers::start(trial.subject.address)?;
    let begun = Instant::now();
    for client in 0..CLIENTS {
        let id = returns.ids[client].clone().unwrap_or_default();
        crowd.rejoin(client, PATH, &format!("Last-Event-ID: {id}\r\n"))?;
    }
    crowd.turn_until(GATHERING, "what was missed", &mut returns, |returns| returns.have(MISSED))?;
    let storm = begun.elapsed();
    let newcomers = newcomers.stop()?;
    if returns.repeated > 0 {
        bail!("{} deliveries came twice", returns.repeated);
    }
    Ok(vec![
        (Metric::NewcomerInCalm, calm),
        (Metric::NewcomerInStorm, newcomers),
        (Metric::Storm, storm.as_secs_f64() * 1000.0),
    ])
}

fn produce(trial: &mut Trial<'_>, count: usize) -> Result<()> {
    for _ in 0..count {
        trial.production.send("bench")?;
    }
    trial.production.flush()
}

/// What each client has: the id of its last frame, and events of the current phase.
struct Returns {
    since: u64,
    ids: Vec<Option<String>>,
    events: Vec<HashSet<u64>>,
    /// Deliveries of the current phase.
    total: usize,
    repeated: usize,
}

impl Returns {
    fn new(since: u64) -> Self {
        Self { since, ids: vec![None; CLIENTS], events: vec![HashSet::new(); CLIENTS], total: 0, repeated: 0 }
    }

    /// Whether each client has so many events: none has more, because those that came twice are not counted.
    fn have(&self, count: usize) -> bool {
        self.total >= CLIENTS * count
    }

    fn forget(&mut self) {
        self.since = record::now();
        self.total = 0;
        self.repeated = 0;
        self.events.iter_mut().for_each(HashSet::clear);
    }
}

impl Watch for Returns {
    fn frame(&mut self, client: usize, frame: &[u8], _now: u64) {
        if let Some(id) = crowd::id(frame) {
            self.ids[client] = Some(id.to_owned());
        }
        if let Some(sent_at) = record::sent_at(frame) {
            // An older one came before the connection was lost.
            let new = sent_at >= self.since && self.events[client].insert(sent_at);
            self.total += usize::from(new);
            self.repeated += usize::from(!new);
        }
    }
}

/// A thread on which one new client after another connects, waits for its first frame, and goes.
struct Newcomers {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Result<Duration>>,
}

impl Newcomers {
    fn start(server: SocketAddr) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let work = move || {
            let mut worst = Duration::ZERO;
            while !flag.load(Ordering::Relaxed) {
                worst = worst.max(greeting(server)?);
                thread::sleep(PAUSE);
            }
            Ok(worst)
        };
        let thread = thread::Builder::new().name("newcomers".to_owned()).spawn(work);
        Ok(Self { stop, thread: thread.context("failed to start the thread of the newcomers")? })
    }

    /// The longest wait, in milliseconds.
    fn stop(self) -> Result<f64> {
        self.stop.store(true, Ordering::Relaxed);
        let Ok(worst) = self.thread.join() else { bail!("the thread of the newcomers ended early") };
        Ok(milliseconds(u64::try_from(worst?.as_nanos())?))
    }
}

/// From connecting to the end of the first frame.
fn greeting(server: SocketAddr) -> Result<Duration> {
    let begun = Instant::now();
    let mut socket = TcpStream::connect_timeout(&server, TAIL).context("a new client did not connect")?;
    SockRef::from(&socket)
        .set_linger(Some(Duration::ZERO))
        .context("failed to make a socket reset when it is closed")?;
    socket.set_read_timeout(Some(TAIL)).context("failed to limit the time of a read")?;
    write!(socket, "GET {PATH} HTTP/1.1\r\nHost: {server}\r\nAccept: text/event-stream\r\n\r\n")
        .context("failed to ask")?;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = socket.read(&mut buffer).context("a new client got no frame")?;
        if read == 0 {
            bail!("a new client was sent away: {}", String::from_utf8_lossy(&bytes));
        }
        bytes.extend_from_slice(&buffer[..read]);
        if memchr::memmem::find(&bytes, b"\n\n").is_some() {
            return Ok(begun.elapsed());
        }
    }
}
