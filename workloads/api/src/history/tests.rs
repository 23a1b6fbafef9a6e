use std::collections::BTreeSet;

use realtime_contract::channel::{Pattern, Selection};

use super::*;

const EPOCH: Uuid = Uuid::from_u128(7);

fn entry(position: u64, channel: &str) -> FeedEntry {
    FeedEntry {
        position,
        event_id: Uuid::from_u128(position.into()),
        channel: channel.to_owned(),
        notification: format!("{{\"n\":{position}}}"),
        traceparent: None,
    }
}

fn entries(positions: std::ops::RangeInclusive<u64>) -> Vec<FeedEntry> {
    positions.map(|position| entry(position, "default")).collect()
}

/// Position of the greeting, position where memory goes on, and how the stream began.
fn start(history: &History) -> (u64, u64, opening::Resume) {
    match history.start() {
        Start::After { seen: Seen::Below(seen), from, source } => (position(&seen), position(&from), source),
        start => panic!("{start:?}"),
    }
}

/// Positions of the entries; gaps as their reason, from where and to where.
fn parts(history: &History) -> Vec<String> {
    let text = |piece| match piece {
        Piece::Entry(entry) => entry.position.to_string(),
        Piece::Gap(gap) => format!("{} {} {}", gap.reason.name(), gap.from(EPOCH), gap.to),
    };
    history.pieces(&Filter::default()).map(text).collect()
}

#[test]
fn a_whole_history_has_no_gap() {
    let history = History::assemble(3, 5, entries(4..=5));
    assert!(history.is_whole());
    assert_eq!(start(&history), (3, 5, opening::Resume::Log));
    assert_eq!(parts(&history), ["4", "5"]);
    assert_eq!(history.seen(EPOCH), Some(cursor(EPOCH, 3)));
}

#[test]
fn a_client_that_missed_nothing_gets_nothing() {
    assert!(parts(&History::assemble(5, 5, Vec::new())).is_empty());
}

#[test]
fn what_is_in_memory_is_left_to_the_engine() {
    let history = History::empty(Range::Memory(5));
    assert_eq!(start(&history), (5, 5, opening::Resume::Ring));
    assert!(parts(&history).is_empty());
    assert_eq!(history.seen(EPOCH), Some(cursor(EPOCH, 5)));
}

#[test]
fn a_new_client_has_nothing_and_misses_nothing() {
    let history = History::empty(Range::Live);
    assert!(matches!(history.start(), Start::Live));
    assert_eq!((history.seen(EPOCH), history.is_whole()), (None, true));
}

#[test]
fn a_trimmed_feed_is_told_before_what_is_left() {
    let history = History::assemble(3, 9, entries(8..=9));
    assert_eq!(parts(&history), [&format!("trimmed {EPOCH}-3 7"), "8", "9"]);
    assert!(!history.is_whole());
    assert_eq!(history.seen(EPOCH), Some(cursor(EPOCH, 3)));
}

#[test]
fn a_feed_that_was_trimmed_completely_is_told() {
    assert_eq!(parts(&History::assemble(3, 9, Vec::new())), [format!("trimmed {EPOCH}-3 9")]);
}

#[test]
fn a_history_cut_at_its_limit_is_told_behind_what_was_read() {
    let history = History::assemble(3, 9, entries(4..=6));
    assert_eq!(start(&history), (3, 9, opening::Resume::Gap));
    assert_eq!(parts(&history), ["4", "5", "6", &format!("limit {EPOCH}-6 9")]);
    assert!(!history.is_whole());
}

#[test]
fn a_page_behind_what_was_trimmed_meanwhile_does_not_follow() {
    assert!(goes_on(&[], &entries(7..=8)), "what is missing before the first page is told there");
    assert!(goes_on(&entries(4..=6), &entries(7..=8)));
    assert!(!goes_on(&entries(4..=6), &entries(8..=9)));
}

#[test]
fn a_lost_client_continues_live() {
    let history = History::lost(GapReason::Invalid, From::Text("x\"y".to_owned()), 9);
    let Start::After { seen: Seen::Said(said), from, source } = history.start() else { panic!("{history:?}") };
    assert_eq!((said.as_str(), position(&from), source), ("x\"y", 9, opening::Resume::Gap));
    assert_eq!(parts(&history), ["invalid x\"y 9"]);
    assert_eq!(history.seen(EPOCH).as_deref(), Some("x\"y"));
}

#[test]
fn other_channels_are_left_out() {
    let history = History::assemble(0, 2, vec![entry(1, "orders"), entry(2, "stock")]);
    let filter = Filter { channels: Some(BTreeSet::from(["stock".into()]).into()), ..Filter::default() };
    let positions: Vec<_> = history.pieces(&filter).collect();
    assert_eq!(positions, [Piece::Entry(&entry(2, "stock"))]);
}

#[test]
fn what_no_pattern_takes_is_left_out() {
    let channels = ["orders.eu", "stock", "user:7", "user:8"];
    let entries = (1..).zip(channels).map(|(position, channel)| entry(position, channel)).collect();
    let history = History::assemble(0, 4, entries);
    let selection = Selection::new([Pattern::new("orders.*").unwrap()], ["user:7".into()]);
    let filter = Filter { channels: Some(selection), ..Filter::default() };
    let pieces: Vec<_> = history.pieces(&filter).collect();
    assert_eq!(pieces, [Piece::Entry(&entry(1, "orders.eu")), Piece::Entry(&entry(3, "user:7"))]);
}
