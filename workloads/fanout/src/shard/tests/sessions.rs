//! Connections on which both sides speak.

use std::any::Any;

use tokio::sync::oneshot;

use super::*;
use crate::{
    Path, Resume,
    outlet::{Outlet, Requests},
    session::{Address, Subscription, Voice, Word},
};

/// A session that says what it is told, and notes what happens to it.
#[derive(Clone, Default)]
struct Parrot {
    polls: bool,
    notes: Arc<Mutex<Vec<String>>>,
}

impl Parrot {
    fn polling() -> Self {
        Self { polls: true, ..Self::default() }
    }

    fn note(&self, text: impl Into<String>) {
        self.notes.lock().unwrap().push(text.into());
    }

    fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap())
    }
}

impl Session for Parrot {
    fn begin(&mut self, voice: &mut Voice<'_>) {
        voice.say(Bytes::from_static(b"open "));
    }

    fn hear(&mut self, bytes: &mut [u8], voice: &mut Voice<'_>) {
        bytes.make_ascii_uppercase();
        voice.say(Bytes::copy_from_slice(bytes));
    }

    fn told(&mut self, word: Word, voice: &mut Voice<'_>) {
        match word.downcast::<&str>() {
            Ok(word) => voice.say(Bytes::from_static(word.as_bytes())),
            Err(word) => match word.downcast() {
                Ok(request) => voice.answer(*request),
                Err(_) => self.note("told something else"),
            },
        }
    }

    fn announced(&mut self, news: &(dyn Any + Send + Sync), voice: &mut Voice<'_>) {
        voice.say(Bytes::from_static(news.downcast_ref::<&str>().unwrap().as_bytes()));
    }

    fn wake(&mut self, _: &mut Voice<'_>) {
        self.note("woken");
    }

    fn moved(&mut self, voice: &mut Voice<'_>) {
        self.polls = false;
        voice.say(Bytes::from_static(b"moved "));
    }

    fn rewrite(&self, piece: &[u8]) -> Bytes {
        [b"<", piece, b">"].concat().into()
    }

    fn rendering(&self) -> u8 {
        if self.polls { 2 } else { 1 }
    }

    fn farewell(&mut self, reason: CloseReason) -> Bytes {
        format!("bye {}", reason.name()).into()
    }

    fn ended(&mut self, reason: CloseReason) {
        self.note(format!("ended {}", reason.name()));
    }
}

fn live(filter: Filter) -> Subscription {
    Subscription { filter, start: Start::Live, history: Vec::new(), held: None }
}

fn behind(next: &[u64], history: &[&'static str]) -> Subscription {
    let history = history.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
    Subscription { filter: Filter::default(), start: after(next), history, held: None }
}

impl World {
    fn voice(&mut self, key: Key, speak: impl FnOnce(&mut Voice<'_>)) {
        self.shard.converse(key, self.now, |_, voice| speak(voice));
        self.work();
    }
}

fn at(key: Key) -> Address {
    Address { shard: 0, key }
}

#[test]
fn a_session_answers_what_it_hears_and_is_told() {
    let (mut world, client, parrot) = (World::new(settings()), Client::default(), Parrot::default());
    let key = world.converse(&client, Path::WebSocket, parrot.clone());
    world.shard.hear(key, &mut b"hello ".to_owned(), world.now);
    world.shard.tell(key, Box::new("word "), world.now);
    world.shard.announce(&"news ", world.now);
    assert_eq!(client.text(), "open HELLO word news ");
    world.shard.gone(key);
    world.shard.tell(key, Box::new("nobody hears it"), world.now);
    assert_eq!((client.text().as_str(), parrot.notes()), ("", vec!["ended gone".to_owned()]));
    assert_eq!(world.shared.counters.statistics().connections(), 0);
}

#[test]
fn an_address_survives_its_way_to_the_client_and_back() {
    let address = Address { shard: 513, key: Key { index: 0x0102_0304, generation: 0x7fff_fff0 } };
    assert_eq!(Address::from_bytes(address.to_bytes()), address);
}

#[test]
fn sessions_share_the_events_of_their_rendering_beside_streams() {
    let mut world = World::new(settings());
    let (socket, polling, stream) = (Client::default(), Client::default(), Client::default());
    let first = world.converse(&socket, Path::WebSocket, Parrot::default());
    let second = world.converse(&polling, Path::Polling, Parrot::polling());
    world.live(&stream);
    for key in [first, second] {
        world.voice(key, |voice| voice.subscribe(live(Filter::default())));
    }
    stream.text();
    let batches = [world.record(0, 0, "a", "1"), world.record(0, 1, "a", "2")].map(Arc::new);
    world.shard.publish(&batches, world.now);
    assert_eq!(socket.text(), "open [1@1.0][2@2.0]");
    assert_eq!(polling.text(), "open 1@1.0|2@2.0");
    assert_eq!(stream.frames(), ["1.0 1", "2.0 2"]);
    let by_path = world.shared.counters.statistics().by_path;
    let delivered =
        [Path::Raw, Path::Hyper, Path::WebSocket, Path::Polling].map(|path| by_path[path as usize].delivered);
    assert_eq!(delivered, [2, 0, 2, 2]);
    assert_eq!(by_path[Path::WebSocket as usize].resumed[Resume::Live as usize], 1);
}

#[test]
fn a_session_gets_history_then_the_ring_then_what_comes() {
    let (mut world, client) = (World::new(settings()), Client::default());
    world.publish(0, 0, "a", "1");
    world.publish(0, 1, "a", "2");
    let key = world.converse(&client, Path::WebSocket, Parrot::default());
    world.voice(key, |voice| voice.subscribe(behind(&[1, 0], &["(old)", "(gap)"])));
    world.publish(0, 2, "a", "3");
    assert_eq!(client.text(), "open (old)(gap)[2@2.0][3@3.0]");
}

/// Else its cursor would tell of events that the client has not got.
#[test]
fn what_a_session_says_during_its_history_comes_behind_it() {
    let (mut world, client) = (World::new(settings()), Client::default());
    world.publish(0, 0, "a", "1");
    let key = world.converse(&client, Path::WebSocket, Parrot::default());
    world.shard.converse(key, world.now, |_, voice| voice.subscribe(behind(&[1, 0], &["(old)"])));
    let mut said = String::new();
    world.voice(key, |voice| {
        said = voice.cursor();
        voice.say(Bytes::from_static(b"said"));
    });
    assert_eq!((client.text().as_str(), said.as_str()), ("open (old)said", "1.0"));
}

/// A history of two turns, of which the first waits as long as the client is full.
fn long() -> Subscription {
    let pieces = vec![Bytes::from(vec![b'x'; 60 * 1024]); 2];
    Subscription { history: pieces, ..behind(&[0, 0], &[]) }
}

/// It is no history, and whoever says it must not fill memory by it.
#[test]
fn what_is_said_behind_a_history_is_bounded_and_counted_like_everything_that_waits() {
    let (mut world, client, parrot) = (World::new(settings()), Client::full(), Parrot::default());
    let key = world.converse(&client, Path::WebSocket, parrot.clone());
    world.voice(key, |voice| voice.subscribe(long()));
    let before = world.shared.counters.statistics().queued();
    world.shard.hear(key, &mut b"hello".to_owned(), world.now);
    assert_eq!(world.shared.counters.statistics().queued() - before, 5 + size_of::<Bytes>() as u64);
    for _ in 0..100 {
        world.shard.hear(key, &mut b"hello".to_owned(), world.now);
    }
    assert_eq!(parrot.notes(), ["ended slow"]);
    assert_eq!((world.shared.counters.statistics().queued(), world.shard.queued), (0, 0));
}

#[test]
fn what_is_said_behind_a_history_is_sent_also_when_the_events_are_left() {
    let (mut world, client) = (World::new(settings()), Client::default());
    let key = world.converse(&client, Path::WebSocket, Parrot::default());
    world.shard.converse(key, world.now, |_, voice| {
        voice.subscribe(long());
        voice.say(Bytes::from_static(b"said "));
        voice.unsubscribe();
        voice.say(Bytes::from_static(b"later"));
    });
    assert_eq!(client.text(), "open said later");
    assert_eq!(world.shared.counters.statistics().queued(), 0);
}

/// A client that reads nothing must not keep others from their histories.
#[test]
fn what_is_held_for_a_short_history_is_free_at_once() {
    let (mut world, client) = (World::new(settings()), Client::full());
    let key = world.converse(&client, Path::WebSocket, Parrot::default());
    let (held, kept) = (Arc::new(()), Arc::new(()));
    let hold = |held: &Arc<()>| Some(Box::new(held.clone()) as _);
    world.voice(key, |voice| voice.subscribe(Subscription { held: hold(&held), ..behind(&[0, 0], &["old"]) }));
    assert_eq!(Arc::strong_count(&held), 1);
    world.voice(key, |voice| voice.subscribe(Subscription { held: hold(&kept), ..long() }));
    assert_eq!(Arc::strong_count(&kept), 2);
}

#[test]
fn a_session_that_wants_other_events_gets_those_from_then_on() {
    let (mut world, client) = (World::new(settings()), Client::default());
    let key = world.converse(&client, Path::WebSocket, Parrot::default());
    world.voice(key, |voice| voice.subscribe(live(wanting(&["a"]))));
    world.publish(0, 0, "b", "1");
    world.voice(key, |voice| voice.select(wanting(&["b"])));
    world.publish(0, 1, "a", "2");
    world.publish(0, 2, "b", "3");
    world.voice(key, |voice| voice.select(wanting(&[])));
    world.publish(0, 3, "b", "4");
    world.voice(key, |voice| voice.select(Filter::default()));
    world.publish(0, 4, "c", "5");
    world.voice(key, |voice| voice.unsubscribe());
    world.publish(0, 5, "c", "6");
    assert_eq!(client.text(), "open [3@3.0][5@5.0]");
}

#[test]
fn a_session_is_woken_once_at_the_earliest_time_it_asked_for() {
    let (mut world, client, parrot) = (World::new(settings()), Client::default(), Parrot::default());
    let key = world.converse(&client, Path::WebSocket, parrot.clone());
    let now = world.now;
    world.voice(key, |voice| voice.wake_at(now + Duration::from_secs(9)));
    world.voice(key, |voice| voice.wake_at(now + Duration::from_secs(1)));
    world.pass(Duration::from_millis(990));
    assert!(parrot.notes().is_empty());
    world.pass(Duration::from_millis(20));
    assert_eq!(parrot.notes(), ["woken"]);
    world.pass(Duration::from_secs(20));
    assert!(parrot.notes().is_empty());
}

#[test]
fn a_session_hears_nothing_of_streams_heartbeats_and_ages() {
    let settings = Settings { age: Some(Duration::from_secs(60)), ..settings() };
    let (mut world, client) = (World::new(settings), Client::default());
    let key = world.converse(&client, Path::WebSocket, Parrot::default());
    world.voice(key, |voice| voice.subscribe(live(Filter::default())));
    world.pass(Duration::from_secs(90));
    assert_eq!(client.text(), "open ");
}

#[test]
fn a_session_takes_its_leave() {
    let (mut world, client, parrot) = (World::new(settings()), Client::default(), Parrot::default());
    let key = world.converse(&client, Path::WebSocket, parrot.clone());
    world.voice(key, |voice| {
        voice.close(CloseReason::Limited);
        voice.say(Bytes::from_static(b"too late"));
    });
    world.shard.hear(key, &mut b"nobody hears it".to_owned(), world.now);
    assert_eq!((client.text().as_str(), client.finished()), ("open bye limited", true));
    world.shard.gone(key);
    assert_eq!(parrot.notes(), ["ended limited"]);
    assert_eq!(world.closed(CloseReason::Limited), 1);
}

#[test]
fn a_drain_ends_sessions_and_lets_none_begin() {
    let (mut world, first, second) = (World::new(settings()), Client::default(), Client::default());
    world.converse(&first, Path::WebSocket, Parrot::default());
    world.shard.drain(Duration::from_secs(1), world.now);
    world.pass(Duration::from_secs(1));
    world.join_as(&second, Path::WebSocket, Begins::Session(Box::new(Parrot::default())));
    assert_eq!((first.text().as_str(), second.text().as_str()), ("open bye draining", "bye draining"));
}

/// The events cannot be served before the log was found; the client comes back.
#[test]
fn a_session_that_wants_events_too_early_is_ended() {
    let (mut world, client) = (World::new(settings()), Client::default());
    world.shard.open = false;
    let key = world.converse(&client, Path::WebSocket, Parrot::default());
    world.voice(key, |voice| voice.subscribe(live(Filter::default())));
    assert_eq!(client.text(), "open bye unavailable");
}

#[test]
fn a_session_that_gets_a_socket_goes_on_there_with_all_that_waits() {
    let mut world = World::new(settings());
    let (requests, socket, parrot) = (Client::full(), Client::default(), Parrot::polling());
    let main = world.converse(&requests, Path::Polling, parrot.clone());
    world.voice(main, |voice| voice.subscribe(live(Filter::default())));
    world.publish(0, 0, "a", "1");
    let probe = world.converse(&socket, Path::WebSocket, Parrot::default());
    world.voice(probe, |voice| {
        voice.hand_over(at(main));
        voice.tell(at(main), Box::new("rest "));
    });
    world.publish(0, 1, "a", "2");
    assert_eq!(socket.text(), "open <open ><1@1.0>moved rest [2@2.0]");
    assert_eq!((requests.text().as_str(), parrot.notes()), ("", Vec::new()));
    assert_eq!(world.shard.take_moved(), [main]);
    assert_eq!(world.shard.get_mut(probe).map(|_| ()), None);
    let statistics = world.shared.counters.statistics();
    let active = statistics.by_path.map(|path| path.active);
    assert_eq!((active, statistics.queued()), ([0, 0, 1, 0], 0));
}

#[test]
fn a_session_that_gets_a_socket_while_it_catches_up_misses_nothing() {
    let mut world = World::new(settings());
    let (requests, socket) = (Client::full(), Client::default());
    world.publish(0, 0, "a", "1");
    let main = world.converse(&requests, Path::Polling, Parrot::polling());
    world.shard.converse(main, world.now, |_, voice| voice.subscribe(behind(&[0, 0], &["old"])));
    let probe = world.converse(&socket, Path::WebSocket, Parrot::default());
    world.voice(probe, |voice| voice.hand_over(at(main)));
    world.publish(0, 1, "a", "2");
    let text = socket.text();
    for piece in ["<open >", "<old>", "moved ", "[1@1.0]", "[2@2.0]"] {
        assert_eq!(text.matches(piece).count(), 1, "{piece} in {text}");
    }
    assert!(text.find("<old>") < text.find("[1@1.0]") && text.find("[1@1.0]") < text.find("[2@2.0]"), "{text}");
}

#[test]
fn a_socket_for_a_session_that_has_ended_is_closed() {
    let (mut world, requests, socket) = (World::new(settings()), Client::default(), Client::default());
    let main = world.converse(&requests, Path::Polling, Parrot::polling());
    let probe = world.converse(&socket, Path::WebSocket, Parrot::default());
    world.shard.gone(main);
    world.voice(probe, |voice| voice.hand_over(at(main)));
    assert_eq!(socket.text(), "open bye gone");
}

#[test]
fn a_request_takes_what_waits() {
    let (mut world, client) = (World::new(settings()), Client::full());
    let key = world.converse(&client, Path::Polling, Parrot::polling());
    world.shard.tell(key, Box::new("word"), world.now);
    assert_eq!(client.text(), "");
    world.voice(key, |voice| voice.answer(oneshot::channel().0));
    assert_eq!(client.text(), "open word");
    assert_eq!(world.shared.counters.statistics().queued(), 0);
}

/// Only by a request can such a client get what waits, and learn that it has to come back.
#[test]
fn a_session_of_requests_that_ends_answers_one_more() {
    let (mut world, client, parrot) = (World::new(settings()), Client::full(), Parrot::polling());
    let key = world.converse(&client, Path::Polling, parrot.clone());
    world.shard.drain(Duration::ZERO, world.now);
    world.pass(Duration::from_millis(50));
    world.shard.tell(key, Box::new(oneshot::channel::<Bytes>().0), world.now);
    assert_eq!(client.text(), "open bye draining");
}

/// The official client drops events that it gets together with the end, but only until it is connected again: with what is sent again then,
/// they would come twice.
#[test]
fn who_asks_gets_the_end_as_an_answer_of_its_own() {
    let World { shared, now, .. } = World::new(settings());
    let mut shard = Shard::new(0, shared.clone(), now);
    shard.open();
    let outlet = Outlet::Requests(Requests::new(b'|'));
    add(&shared.counters.of(Path::Polling).active, 1);
    let begins = Begins::Session(Box::new(Parrot::polling()));
    let join = Join { outlet, path: Path::Polling, head: Bytes::new(), begins, guard: None };
    let key = shard.join(join, now).unwrap();
    shard.tell(key, Box::new("word"), now);
    shard.close_all(CloseReason::Draining, now);
    let mut ask = || {
        let (request, mut answer) = oneshot::channel::<Bytes>();
        shard.tell(key, Box::new(request), now);
        answer.try_recv().ok()
    };
    assert_eq!(ask().as_deref(), Some(&b"open |word"[..]));
    assert_eq!(ask().as_deref(), Some(&b"bye draining"[..]));
    assert_eq!(ask(), None);
}

/// A session that talks without being read is cut like any other connection.
#[test]
fn a_session_whose_client_reads_nothing_is_cut() {
    let (mut world, client, parrot) = (World::new(settings()), Client::full(), Parrot::default());
    let key = world.converse(&client, Path::WebSocket, parrot.clone());
    for _ in 0..100 {
        world.shard.hear(key, &mut b"hello".to_owned(), world.now);
    }
    assert_eq!(parrot.notes(), ["ended slow"]);
}
