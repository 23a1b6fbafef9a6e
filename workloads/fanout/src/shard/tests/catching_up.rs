use super::*;

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
    assert_eq!(world.shared.counters.statistics().opened(), 1);
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
