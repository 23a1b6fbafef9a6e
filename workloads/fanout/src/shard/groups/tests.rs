use realtime_contract::channel::{Pattern, Selection};

use super::*;
use crate::{Draft, Lane};

fn wanting(patterns: &[&str], names: &[&str]) -> Arc<Filter> {
    let patterns = patterns.iter().map(|text| Pattern::new(text).unwrap());
    let names = names.iter().map(|name| Box::from(*name));
    let channels = Some(Selection { names: names.collect(), patterns: patterns.collect() });
    Arc::new(Filter { channels, ..Filter::default() })
}

fn events(channels: &[&str]) -> Vec<Arc<Event>> {
    let event = |(offset, channel): (u64, &&str)| {
        let data = format!("{offset}");
        let draft = Draft { lane: Lane(0), offset, channel, kind: "Kind", data: &data, recorded_at: None };
        Arc::new(Event::new(&draft, "c"))
    };
    (0..).zip(channels).map(event).collect()
}

/// Data of the events that the group gets.
fn routed(groups: &Groups, events: &[Arc<Event>], seat: Seat) -> String {
    let deliveries = groups.route(events, &Renderings::new(Vec::new()));
    let mine = deliveries.iter().find(|delivery| delivery.group == seat.group as usize);
    let text = mine.map_or_else(String::new, |delivery| String::from_utf8(delivery.chunk.to_vec()).unwrap());
    // What stands before the first data is none.
    let offsets: String = text.split("data: ").skip(1).filter_map(|frame| frame.chars().next()).collect();
    assert_eq!(mine.map_or(0, |delivery| delivery.events), offsets.len() as u64);
    offsets
}

#[test]
fn groups_get_what_their_names_and_patterns_take_once_and_in_order() {
    let mut groups = Groups::default();
    let wants = [
        (Arc::new(Filter::default()), "01234"),
        (wanting(&["*"], &[]), "013"),
        (wanting(&["*"], &["user:7"]), "0123"),
        (wanting(&["user:*"], &[]), "24"),
        (wanting(&["orders*", "*.eu", "o*"], &["orders.eu"]), "013"),
        (wanting(&["stock.*"], &["orders"]), "0"),
        (wanting(&[], &[]), ""),
    ];
    let seats: Vec<Seat> = wants.iter().map(|(filter, _)| groups.seat(filter, 0, 1)).collect();
    let events = events(&["orders", "orders.eu", "user:7", "offers.eu", "user:8"]);
    for ((filter, expected), seat) in wants.iter().zip(&seats) {
        assert_eq!(routed(&groups, &events, *seat), *expected, "{filter:?}");
    }
}

#[test]
fn users_that_get_the_same_events_share_their_bytes() {
    let mut groups = Groups::default();
    for user in 0..3 {
        groups.seat(&wanting(&["*"], &[&format!("user:{user}")]), 0, user);
    }
    let events = events(&["orders", "user:0", "stock"]);
    let deliveries = groups.route(&events, &Renderings::new(Vec::new()));
    let mut places: Vec<(u64, *const u8)> = deliveries.iter().map(|it| (it.events, it.chunk.as_ptr())).collect();
    places.sort_unstable();
    let [(2, first), (2, second), (3, third)] = places[..] else { panic!("{places:?}") };
    assert!(first == second && second != third);
}

#[test]
fn who_leaves_leaves_nothing_behind() {
    let mut groups = Groups::default();
    let filters = [wanting(&["*", "o*"], &["user:7"]), wanting(&["o*"], &["stock"]), Arc::new(Filter::default())];
    let seats: Vec<Seat> = filters.iter().map(|filter| groups.seat(filter, 0, 1)).collect();
    groups.leave(seats[0]);
    assert_eq!(routed(&groups, &events(&["orders"]), seats[1]), "0", "its pattern went with another's");
    for seat in &seats[1..] {
        groups.leave(*seat);
    }
    assert!(groups.groups.is_empty() && groups.by_filter.is_empty() && groups.of_every_channel.is_empty());
    assert!(groups.by_channel.is_empty() && groups.by_pattern.is_empty() && groups.of_no_user.is_empty());
}
