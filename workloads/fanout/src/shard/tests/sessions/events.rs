//! Events that a session wants.

use super::*;

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

/// The events cannot be served before the log was found; the client comes back.
#[test]
fn a_session_that_wants_events_too_early_is_ended() {
    let (mut world, client) = (World::new(settings()), Client::default());
    world.shard.open = false;
    let key = world.converse(&client, Path::WebSocket, Parrot::default());
    world.voice(key, |voice| voice.subscribe(live(Filter::default())));
    assert_eq!(client.text(), "open bye unavailable");
}
