use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::*;
use crate::{CursorCodec, Draft, Lane, opening::Heartbeat, shared::Settings};

/// Cursors that can be read: next offsets by lane.
struct Plain;

impl CursorCodec for Plain {
    fn encode(&self, vector: &Vector) -> String {
        vector.iter().map(|(_, next)| next.to_string()).collect::<Vec<_>>().join(".")
    }
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

    fn finish(&mut self) {
        self.0.lock().unwrap().finished = true;
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
        let shared = Arc::new(Shared::new(settings, Arc::new(Plain), || "beat".to_owned()));
        for lane in [Lane(0), Lane(1)] {
            shared.ring_mut().begin(lane, 0);
        }
        let now = Instant::now();
        let mut shard = Shard::new(shared.clone(), now);
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
        let event = Arc::new(Event::new(&draft, &Plain.encode(&vector)));
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
        let join = Join { outlet: client.clone(), path: Path::Raw, head: Bytes::new(), grant, guard: None };
        add(&self.shared.counters.active[Path::Raw as usize], 1);
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
        self.shared.counters.statistics().closed[reason as usize]
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
    Filter { channels: Some(channels.iter().map(|name| Box::from(*name)).collect()), ..Filter::default() }
}

#[test]
fn greets_with_the_place_where_the_stream_begins_and_says_when_to_come_back() {
    let mut world = World::new(settings());
    world.publish(0, 0, "a", "one");
    let client = Client::default();
    world.live(&client);
    let text = client.text();
    let (retry, rest) = text.split_once('\n').unwrap();
    let delay: u64 = retry.strip_prefix("retry: ").unwrap().parse().unwrap();
    assert!((1000..5000).contains(&delay), "{delay}");
    assert_eq!(rest, "id: 1.0\ndata: hello\n\n");
}

#[test]
fn gives_the_same_bytes_to_all_and_only_what_they_want() {
    let mut world = World::new(settings());
    let (all, a, none) = (Client::default(), Client::default(), Client::default());
    world.live(&all);
    world.join(&a, Grant { filter: wanting(&["a", "c"]), ..Grant::live() });
    world.join(&none, Grant { filter: wanting(&["d"]), ..Grant::live() });
    world.publish(0, 0, "a", "one");
    world.publish(1, 0, "b", "two");
    assert_eq!(all.frames(), ["0.0 hello", "1.0 one", "1.1 two"]);
    assert_eq!(a.frames(), ["1.0 one"]);
    assert_eq!(none.frames(), [""; 0]);
    assert_eq!(world.shared.counters.statistics().delivered, 3);
}

#[test]
fn a_client_that_comes_back_gets_what_it_missed_and_then_what_comes() {
    let mut world = World::new(settings());
    for offset in 0..3 {
        world.publish(0, offset, "a", "past");
    }
    let client = Client::default();
    world.after(&client, &[1, 0]);
    world.publish(1, 0, "a", "live");
    assert_eq!(client.frames(), ["1.0 hello", "2.0 past", "3.0 past", "3.1 live"]);
    assert!(world.shard.catching.is_empty());
}

#[test]
fn a_client_of_another_replica_gets_its_own_cursor_until_the_shared_one_covers_it() {
    let mut world = World::new(settings());
    world.publish(0, 0, "a", "a0");
    world.publish(1, 0, "a", "b0");
    let client = Client::default();
    // It saw lane 1 first, as another replica read it.
    world.after(&client, &[0, 1]);
    world.publish(0, 1, "a", "a1");
    assert_eq!(client.frames(), ["0.1 hello", "1.1 a0", "2.1 a1"]);
}

#[test]
fn a_client_that_is_ahead_of_this_replica_sees_nothing_twice_and_its_cursor_never_goes_back() {
    let mut world = World::new(settings());
    world.publish(0, 0, "a", "a0");
    let client = Client::default();
    world.after(&client, &[3, 0]);
    world.publish(0, 1, "a", "a1");
    world.publish(1, 0, "a", "b0");
    world.pass(Duration::from_secs(30));
    assert_eq!(client.frames(), ["3.0 hello", "3.1 b0", "3.1 beat"]);
    world.publish(0, 2, "a", "a2");
    assert!(world.shard.catching.is_empty(), "this replica has as much now");
    world.publish(0, 3, "a", "a3");
    assert_eq!(client.frames(), ["4.1 a3"]);
}

#[test]
fn a_shard_that_is_behind_the_ring_sends_nothing_twice() {
    let mut world = World::new(settings());
    let batch = world.record(0, 0, "a", "a0");
    let (behind, ahead) = (Client::default(), Client::default());
    world.after(&behind, &[0, 0]);
    world.after(&ahead, &[1, 0]);
    world.shard.publish(&[Arc::new(batch)], world.now);
    world.work();
    world.publish(0, 1, "a", "a1");
    assert_eq!(behind.frames(), ["0.0 hello", "1.0 a0", "2.0 a1"]);
    assert_eq!(ahead.frames(), ["1.0 hello", "2.0 a1"]);
}

#[test]
fn history_comes_before_the_ring_and_what_is_held_for_it_is_let_go() {
    let mut world = World::new(settings());
    world.publish(0, 0, "a", "a0");
    let held = Arc::new(());
    let client = Client::default();
    let history = vec![Bytes::from("id: h\ndata: old\n\n")];
    world.join(&client, Grant { history, held: Some(Box::new(held.clone())), ..greeted(after(&[0, 0])) });
    assert_eq!(client.frames(), ["0.0 hello", "h old", "1.0 a0"]);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn what_left_the_ring_is_not_passed_over_in_silence() {
    let mut world = World::new(settings());
    for offset in 0..20 {
        world.publish(0, offset, "a", "past");
    }
    let client = Client::default();
    world.after(&client, &[5, 0]);
    assert!(client.text().starts_with("retry: "));
    assert!(client.finished());
    assert_eq!(world.shared.counters.statistics().opened, 1);
}

#[test]
fn a_client_that_falls_behind_the_ring_while_it_catches_up_is_sent_away() {
    let mut world = World::new(Settings { queue_bytes: 1 << 20, ..settings() });
    for offset in 0..3 {
        world.publish(0, offset, "a", "past");
    }
    let client = Client::full();
    let key = world.after(&client, &[0, 0]).unwrap();
    for offset in 3..30 {
        world.publish(0, offset, "a", "more");
    }
    client.give_room(1 << 20);
    world.shard.writable(key, world.now);
    world.work();
    assert_eq!(client.frames(), ["0.0 hello"]);
    assert!(client.finished());
    world.shard.gone(key);
    assert_eq!(world.closed(CloseReason::Overtaken), 1);
}

#[test]
fn a_slow_client_is_cut_at_its_bound_and_no_other() {
    let mut world = World::new(settings());
    let (slow, quick) = (Client::default(), Client::default());
    world.live(&slow);
    world.live(&quick);
    slow.give_room(3);
    let data = "x".repeat(100);
    for offset in 0..5 {
        world.publish(0, offset, "a", &data);
    }
    assert_eq!(quick.frames().len(), 6);
    assert_eq!(world.closed(CloseReason::Slow), 1);
    let statistics = world.shared.counters.statistics();
    assert_eq!((statistics.queued, statistics.active, statistics.failed), (0, [1, 0], 1));
}

#[test]
fn what_waits_is_written_whole_and_in_order() {
    let mut world = World::new(settings());
    let client = Client::default();
    let key = world.live(&client);
    client.give_room(5);
    for offset in 0..3 {
        world.publish(0, offset, "a", "event");
    }
    for _ in 0..40 {
        client.give_room(3);
        world.shard.writable(key, world.now);
    }
    assert_eq!(client.frames(), ["0.0 hello", "1.0 event", "2.0 event", "3.0 event"]);
    assert_eq!(world.shared.counters.statistics().queued, 0);
    assert!(world.shard.blocked.is_empty());
}

#[test]
fn beyond_the_budget_the_largest_queue_is_cut() {
    let mut world = World::new(Settings { queue_bytes: 10_000, budget_bytes: 900, ..settings() });
    let (much, little) = (Client::default(), Client::default());
    world.join(&much, Grant::live());
    world.join(&little, Grant { filter: wanting(&["b"]), ..Grant::live() });
    much.give_room(0);
    little.give_room(0);
    let data = "x".repeat(100);
    world.publish(1, 0, "b", &data);
    for offset in 0..5 {
        world.publish(0, offset, "a", &data);
    }
    assert_eq!(world.closed(CloseReason::Slow), 1);
    assert_eq!(world.shard.connections.len(), 1, "the one with little stays");
    assert!(world.shared.counters.statistics().queued < 900);
}

#[test]
fn every_connection_has_one_sign_of_life_in_a_period_and_they_are_spread() {
    let mut world = World::new(settings());
    let clients: Vec<Client> = (0..240).map(|_| Client::default()).collect();
    for client in &clients {
        world.live(client);
        client.text();
    }
    world.pass(Duration::from_secs(15));
    let early = clients.iter().filter(|client| !client.0.lock().unwrap().taken.is_empty()).count();
    assert!((100..140).contains(&early), "{early} of 240 after half of the period");
    world.pass(Duration::from_secs(15));
    for client in &clients {
        assert_eq!(client.text(), "id: 0.0\ndata: beat\n\n");
    }
}

#[test]
fn a_sign_of_life_can_be_a_comment() {
    let mut world = World::new(settings());
    let client = Client::default();
    world.join(&client, Grant { heartbeat: Heartbeat::Comment, ..greeted(Start::Live) });
    client.text();
    world.pass(Duration::from_secs(30));
    assert_eq!(client.text(), ": heartbeat\nid: 0.0\n\n");
}

#[test]
fn connections_are_renewed_between_four_fifths_of_the_age_and_the_age() {
    let mut world = World::new(Settings { age: Some(Duration::from_secs(1000)), ..settings() });
    let clients: Vec<Client> = (0..200).map(|_| Client::default()).collect();
    for client in &clients {
        world.live(client);
    }
    world.pass(Duration::from_secs(795));
    assert_eq!(clients.iter().filter(|client| client.finished()).count(), 0);
    world.pass(Duration::from_secs(140));
    let half = clients.iter().filter(|client| client.finished()).count();
    assert!((50..150).contains(&half), "{half} of 200");
    world.pass(Duration::from_secs(110));
    assert!(clients.iter().all(Client::finished));
    assert_eq!(world.closed(CloseReason::Aged), 200, "clients that do not answer are given up");
}

#[test]
fn a_drain_is_spread_over_its_window() {
    let mut world = World::new(settings());
    let clients: Vec<Client> = (0..200).map(|_| Client::default()).collect();
    for client in &clients {
        world.live(client);
    }
    world.shard.drain(Duration::from_secs(4), world.now);
    let late = Client::default();
    world.live(&late);
    assert!(late.finished());
    world.pass(Duration::from_secs(2));
    let half = clients.iter().filter(|client| client.finished()).count();
    assert!((70..130).contains(&half), "{half} of 200");
    world.publish(0, 0, "a", "still served");
    world.pass(Duration::from_secs(8));
    assert_eq!(clients.iter().filter(|client| client.text().contains("still served")).count(), 200 - half);
    assert_eq!(world.closed(CloseReason::Draining), 201);
    assert!(world.shard.connections.is_empty());
    assert_eq!(world.shard.next_sweep(), None);
}

#[test]
fn before_it_is_open_a_shard_sends_clients_away() {
    let mut world = World::new(settings());
    world.shard.open = false;
    let client = Client::default();
    let key = world.live(&client);
    let text = client.text();
    assert!(!text.contains("\n\n"), "no event ends, so the client keeps the id with which it came: {text:?}");
    let delay: u64 = text.trim().strip_prefix("retry: ").unwrap().parse().unwrap();
    assert!((5000..15000).contains(&delay));
    world.shard.gone(key);
    assert_eq!(world.closed(CloseReason::Unavailable), 1);
}

#[test]
fn late_words_about_a_connection_never_touch_the_next_one() {
    let mut world = World::new(settings());
    let first = world.live(&Client::default());
    world.shard.gone(first);
    let second = world.live(&Client::default());
    assert_eq!(first.index, second.index);
    world.shard.gone(first);
    assert!(world.shard.outlet_mut(second).is_some());
    assert_eq!(Key::from(usize::from(second)), second);
}

#[test]
fn a_client_that_does_not_take_what_it_missed_in_time_is_cut() {
    let mut world = World::new(settings());
    world.publish(0, 0, "a", "past");
    let client = Client::full();
    world.after(&client, &[0, 0]);
    world.pass(Duration::from_secs(9));
    assert_eq!(world.closed(CloseReason::Slow), 0);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.closed(CloseReason::Slow), 1);
}

#[test]
fn a_broken_client_disturbs_no_other() {
    let mut world = World::new(settings());
    let clients: Vec<Client> = (0..5).map(|_| Client::default()).collect();
    for client in &clients {
        world.live(client);
        client.text();
    }
    for broken in [0, 2, 4] {
        clients[broken].0.lock().unwrap().broken = true;
    }
    world.publish(0, 0, "a", "one");
    for whole in [1, 3] {
        assert_eq!(clients[whole].frames(), ["1.0 one"]);
    }
    assert_eq!(world.closed(CloseReason::Gone), 3);
    assert_eq!(world.shared.counters.statistics().active, [2, 0]);
}

#[test]
fn events_that_were_published_together_go_out_in_one_write() {
    let mut world = World::new(settings());
    let client = Client::default();
    world.live(&client);
    client.text();
    let batches: Vec<_> = (0..3).map(|offset| Arc::new(world.record(0, offset, "a", "event"))).collect();
    world.shard.publish(&batches, world.now);
    assert_eq!(client.0.lock().unwrap().writes, 2, "the greeting, then all of them");
    assert_eq!(client.frames(), ["1.0 event", "2.0 event", "3.0 event"]);
}

#[test]
fn a_client_that_takes_nothing_more_does_not_hold_up_the_end() {
    let mut world = World::new(settings());
    let client = Client::default();
    world.live(&client);
    client.give_room(0);
    world.publish(0, 0, "a", "waits");
    world.shard.close_all(CloseReason::Overtaken, world.now);
    world.pass(Duration::from_secs(6));
    assert_eq!(world.closed(CloseReason::Overtaken), 1, "the reason is the one for which it was closed");
    assert!(!client.finished());
    assert!(world.shard.connections.is_empty());
}

#[test]
fn what_is_said_at_the_end_goes_behind_what_waits_even_if_the_queue_is_full() {
    let mut world = World::new(settings());
    let client = Client::default();
    let key = world.live(&client);
    client.give_room(0);
    world.publish(0, 0, "a", &"x".repeat(350));
    world.shard.close_all(CloseReason::Draining, world.now);
    client.text();
    client.give_room(1000);
    world.shard.writable(key, world.now);
    let text = client.text();
    assert!(text.starts_with("id: 1.0\ndata: xxx"), "{text}");
    assert!(text.contains("\n\nretry: "), "{text}");
    assert!(client.finished());
}

#[test]
fn a_blocked_client_is_renewed_like_any_other() {
    let mut world = World::new(Settings { age: Some(Duration::from_secs(100)), ..settings() });
    let client = Client::default();
    world.live(&client);
    client.give_room(0);
    world.publish(0, 0, "a", "waits");
    world.pass(Duration::from_secs(140));
    assert_eq!(world.closed(CloseReason::Aged), 1);
}

#[test]
fn a_client_that_was_ahead_is_live_as_soon_as_the_log_was_read_so_far_also_by_records_without_an_event() {
    let mut world = World::new(settings());
    let client = Client::default();
    world.after(&client, &[3, 0]);
    assert_eq!(world.shard.catching.len(), 1);
    let vector = Vector::from_iter([(Lane(0), 3)]);
    world.shared.ring_mut().raise(&vector);
    world.shard.publish(&[Arc::new(Batch { first: 0, events: Vec::new(), bytes: 0, vector })], world.now);
    world.work();
    assert!(world.shard.catching.is_empty());
}

#[test]
fn before_a_gap_the_greeting_has_the_clients_own_words_so_that_nobody_comes_back_from_behind_it() {
    let mut world = World::new(settings());
    let client = Client::default();
    let seen = Seen::Said("mine\nforged".to_owned());
    let start = Start::After { seen, from: Vector::default(), source: Resume::Gap };
    world.join(&client, Grant { history: vec![Bytes::from("id: g\nevent: gap\ndata: {}\n\n")], ..greeted(start) });
    assert_eq!(client.frames(), ["mine hello", "g event: gap {}"]);
}
