use super::*;

/// A client that may listen so long.
fn expires(world: &World, seconds: u64) -> Option<Expiry> {
    Some(Expiry { at: world.now + Duration::from_secs(seconds), notice: "soon".to_owned() })
}

#[test]
fn a_client_is_told_half_a_minute_before_it_may_listen_no_longer_and_closed_then() {
    let mut world = World::new(settings());
    let (client, other) = (Client::default(), Client::default());
    world.join(&client, Grant { expires: expires(&world, 100), ..greeted(Start::Live) });
    world.live(&other);
    world.publish(0, 0, "a", "one");
    world.pass(Duration::from_millis(69_990));
    assert!(!client.text().contains("expiring"));
    world.pass(Duration::from_millis(20));
    assert_eq!(client.text(), "id: 1.0\nevent: expiring\ndata: soon\n\n");
    world.publish(0, 1, "a", "two");
    assert_eq!(client.frames(), ["2.0 two"], "it is served to the end");
    world.pass(Duration::from_millis(29_970));
    assert!(!client.finished());
    world.pass(Duration::from_millis(20));
    let text = client.text();
    let (_, farewell) = text.rsplit_once("\n\n").unwrap_or(("", &text));
    let delay: u64 = farewell.trim().strip_prefix("retry: ").unwrap().parse().unwrap();
    assert!((1000..5000).contains(&delay) && client.finished(), "{text}");
    world.pass(Duration::from_secs(6));
    assert_eq!((world.closed(CloseReason::Expired), other.finished()), (1, false));
    assert!(world.shard.expiries.is_empty());
}

#[test]
fn a_client_with_less_time_is_told_at_once_behind_its_greeting() {
    let mut world = World::new(settings());
    let client = Client::default();
    world.join(&client, Grant { expires: expires(&world, 3), ..greeted(Start::Live) });
    world.pass(Duration::from_millis(10));
    assert_eq!(client.frames(), ["0.0 hello", "0.0 event: expiring soon"]);
    world.pass(Duration::from_secs(3));
    assert!(client.finished());
}

#[test]
fn a_client_whose_time_is_over_is_closed_without_a_notice() {
    let mut world = World::new(settings());
    let client = Client::default();
    world.join(&client, Grant { expires: expires(&world, 0), ..greeted(Start::Live) });
    world.pass(Duration::from_millis(10));
    assert!(client.finished() && !client.text().contains("expiring"));
}

#[test]
fn a_client_that_is_still_sent_what_it_missed_keeps_its_id() {
    let mut world = World::new(Settings { queue_bytes: 10_000, ..settings() });
    let client = Client::full();
    let history = vec![Bytes::from("id: 0.0\ndata: missed\n\n")];
    let key = world.join(&client, Grant { history, expires: expires(&world, 3), ..greeted(after(&[0, 0])) }).unwrap();
    world.pass(Duration::from_millis(10));
    client.give_room(10_000);
    world.shard.writable(key, world.now);
    world.work();
    let text = client.text();
    assert!(text.contains("\n\nevent: expiring\ndata: soon\n\n"), "{text}");
}

#[test]
fn clients_that_left_before_are_not_remembered() {
    let mut world = World::new(settings());
    for seconds in [100, 1_000_000] {
        let client = Client::default();
        let key = world.join(&client, Grant { expires: expires(&world, seconds), ..greeted(Start::Live) }).unwrap();
        world.pass(Duration::from_secs(80));
        world.shard.gone(key);
    }
    assert!(world.shard.expiries.is_empty());
    assert_eq!(world.shard.next_sweep(), None);
}
