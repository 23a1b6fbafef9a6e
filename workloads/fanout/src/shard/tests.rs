mod catching_up;
mod delivery;
mod ends;
mod expiring;
mod sessions;

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::*;
use crate::{
    CursorCodec, Draft, Lane,
    opening::{Expiry, Grant, Heartbeat, Resume, Seen, Start},
    rendering::Renderings,
    session::{Rendering, Request, Session},
    shared::Settings,
};

/// Cursors that can be read: next offsets by lane.
struct Plain;

impl CursorCodec for Plain {
    fn encode(&self, vector: &Vector) -> String {
        vector.iter().map(|(_, next)| next.to_string()).collect::<Vec<_>>().join(".")
    }
}

/// Events in brackets, or with a bar between them.
struct Written(&'static str);

impl Rendering for Written {
    fn render(&self, event: &Event, cursor: &str) -> Bytes {
        let text = format!("{}@{cursor}", event.data());
        if self.0.is_empty() { format!("[{text}]").into() } else { text.into() }
    }

    fn separator(&self) -> &'static [u8] {
        self.0.as_bytes()
    }
}

fn renderings() -> Renderings {
    Renderings::new(vec![Arc::new(Written("")), Arc::new(Written("|"))])
}

/// A client: what it was sent, and how much it takes before it is full.
#[derive(Clone, Default)]
struct Client(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    taken: Vec<u8>,
    writes: usize,
    room: Option<usize>,
    finished: bool,
    broken: bool,
}

impl Write for Client {
    fn write(&mut self, chunks: &[Bytes]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        if state.broken {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let all = chunks.concat();
        let taken = state.room.map_or(all.len(), |room| room.min(all.len()));
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.writes += 1;
        state.taken.extend_from_slice(&all[..taken]);
        state.room = state.room.map(|room| room - taken);
        Ok(taken)
    }

    fn finish(&mut self) -> bool {
        self.0.lock().unwrap().finished = true;
        true
    }

    /// Takes everything from now on.
    fn attend(&mut self, request: Request) {
        self.0.lock().unwrap().room = None;
        drop(request);
    }
}

impl Client {
    fn full() -> Self {
        let client = Self::default();
        client.0.lock().unwrap().room = Some(0);
        client
    }

    fn give_room(&self, room: usize) {
        self.0.lock().unwrap().room = Some(room);
    }

    fn finished(&self) -> bool {
        self.0.lock().unwrap().finished
    }

    /// What was sent since the last look.
    fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap().taken)).unwrap()
    }

    /// Ids and data of the frames since the last look, `retry:` left out.
    fn frames(&self) -> Vec<String> {
        let text = self.text();
        let frames = text.split_terminator("\n\n").map(|frame| {
            let lines = frame.lines().filter(|line| !line.starts_with("retry: "));
            lines.map(|line| line.replace("id: ", "").replace("data: ", "")).collect::<Vec<_>>().join(" ")
        });
        frames.filter(|frame| !frame.is_empty()).collect()
    }
}

/// A shard, the publisher's side of it, and the time.
struct World {
    shard: Shard<Client>,
    shared: Arc<Shared>,
    now: Instant,
}

fn settings() -> Settings {
    Settings { shards: 1, queue_bytes: 400, ring_events: 8, age: None, ..Settings::default() }
}

impl World {
    /// Lanes 0 and 1 begin at 0.
    fn new(settings: Settings) -> Self {
        let shared = Arc::new(Shared::new(settings, Arc::new(Plain), || "beat".to_owned(), renderings()));
        for lane in [Lane(0), Lane(1)] {
            shared.ring_mut().begin(lane, 0);
        }
        let now = Instant::now();
        let mut shard = Shard::new(0, shared.clone(), now);
        shard.open();
        shard.vector = shared.ring().newest().clone();
        Self { shard, shared, now }
    }

    /// Puts an event into the ring only.
    fn record(&self, lane: u32, offset: u64, channel: &str, data: &str) -> Batch {
        let mut ring = self.shared.ring_mut();
        let mut vector = ring.newest().clone();
        vector.advance(Lane(lane), offset);
        let draft = Draft { lane: Lane(lane), offset, channel, kind: "Kind", data, recorded_at: None };
        let renderings = self.shared.renderings.beside_sse();
        let event = Arc::new(Event::with_renderings(&draft, &Plain.encode(&vector), renderings));
        let first = ring.head();
        ring.push(event.clone());
        Batch { first, bytes: event.frame().len() as u64, events: vec![event], vector }
    }

    fn publish(&mut self, lane: u32, offset: u64, channel: &str, data: &str) {
        let batch = self.record(lane, offset, channel, data);
        self.shard.publish(&[Arc::new(batch)], self.now);
        self.work();
    }

    fn work(&mut self) {
        while self.shard.work(self.now) {}
    }

    fn join(&mut self, client: &Client, grant: Grant) -> Option<Key> {
        self.join_as(client, Path::Raw, Begins::Stream(Box::new(grant)))
    }

    fn converse(&mut self, client: &Client, path: Path, session: impl Session) -> Key {
        self.join_as(client, path, Begins::Session(Box::new(session))).unwrap()
    }

    fn join_as(&mut self, client: &Client, path: Path, begins: Begins) -> Option<Key> {
        let join = Join { outlet: client.clone(), path, head: Bytes::new(), begins, guard: None };
        add(&self.shared.counters.of(path).active, 1);
        let key = self.shard.join(join, self.now);
        self.work();
        key
    }

    fn live(&mut self, client: &Client) -> Key {
        self.join(client, greeted(Start::Live)).unwrap()
    }

    fn after(&mut self, client: &Client, next: &[u64]) -> Option<Key> {
        self.join(client, greeted(after(next)))
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += Duration::from_millis(10);
            if self.shard.next_sweep().is_some_and(|due| due <= self.now) {
                self.shard.sweep(self.now);
                self.work();
            }
        }
    }

    fn closed(&self, reason: CloseReason) -> u64 {
        self.shared.counters.statistics().closed(reason)
    }
}

fn greeted(start: Start) -> Grant {
    Grant { start, greeting: Some("hello".to_owned()), ..Grant::live() }
}

fn after(next: &[u64]) -> Start {
    let vector: Vector = (0..).map(Lane).zip(next.iter().copied()).collect();
    Start::After { seen: Seen::Below(vector.clone()), from: vector, source: Resume::Ring }
}

fn wanting(channels: &[&str]) -> Filter {
    Filter {
        channels: Some(channels.iter().map(|name| Box::from(*name)).collect::<BTreeSet<_>>().into()),
        ..Filter::default()
    }
}
