//! Sessions without a socket, and how they get one.

use super::*;

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
