use super::*;

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
    assert_eq!((statistics.queued(), statistics.connections(), statistics.failed()), (0, 1, 1));
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
    assert!(world.shared.counters.statistics().queued() < 900);
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
    assert_eq!(world.shared.counters.statistics().connections(), 2);
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
