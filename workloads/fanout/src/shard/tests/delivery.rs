use super::*;

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
    assert_eq!(world.shared.counters.statistics().delivered(), 3);
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
    assert_eq!(world.shared.counters.statistics().queued(), 0);
    assert!(world.shard.blocked.is_empty());
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
