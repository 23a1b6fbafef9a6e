//! Connections on which both sides speak.

mod events;
mod requests;

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
