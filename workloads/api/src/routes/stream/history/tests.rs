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

fn texts(history: &History) -> Vec<String> {
    let frames = history.frames(EPOCH, &Filter::default());
    frames.iter().map(|frame| String::from_utf8(frame.to_vec()).unwrap()).collect()
}

#[test]
fn a_whole_history_has_no_gap() {
    let history = History::assemble(3, 5, entries(4..=5));
    assert_eq!((history.missing.clone(), history.cut.clone()), (None, None));
    assert_eq!(start(&history), (3, 5, opening::Resume::Log));
    assert_eq!(
        texts(&history),
        [format!("id: {EPOCH}-4\ndata: {{\"n\":4}}\n\n"), format!("id: {EPOCH}-5\ndata: {{\"n\":5}}\n\n")]
    );
}

#[test]
fn a_client_that_missed_nothing_gets_nothing() {
    assert!(texts(&History::assemble(5, 5, Vec::new())).is_empty());
}

#[test]
fn what_is_in_memory_is_left_to_the_engine() {
    let history = History::empty(Range::Memory(5));
    assert_eq!(start(&history), (5, 5, opening::Resume::Ring));
    assert!(texts(&history).is_empty());
    assert!(matches!(History::empty(Range::Live).start(), Start::Live));
}

#[test]
fn a_trimmed_feed_is_told_before_what_is_left() {
    let frames = texts(&History::assemble(3, 9, entries(8..=9)));
    assert_eq!(
        frames[0],
        format!(
            "event: gap\nid: {EPOCH}-7\ndata: {{\"reason\":\"trimmed\",\"from\":\"{EPOCH}-3\",\"to\":\"{EPOCH}-7\"}}\n\n"
        )
    );
    assert_eq!(frames.len(), 3);
}

#[test]
fn a_feed_that_was_trimmed_completely_is_told() {
    let frames = texts(&History::assemble(3, 9, Vec::new()));
    assert_eq!(frames.len(), 1);
    assert!(frames[0].starts_with(&format!("event: gap\nid: {EPOCH}-9\n")), "{}", frames[0]);
}

#[test]
fn a_history_cut_at_its_limit_is_told_behind_what_was_read() {
    let history = History::assemble(3, 9, entries(4..=6));
    assert_eq!(start(&history), (3, 9, opening::Resume::Gap));
    let frames = texts(&history);
    assert_eq!(frames.len(), 4);
    assert_eq!(
        frames[3],
        format!(
            "event: gap\nid: {EPOCH}-9\ndata: {{\"reason\":\"limit\",\"from\":\"{EPOCH}-6\",\"to\":\"{EPOCH}-9\"}}\n\n"
        )
    );
}

#[test]
fn a_lost_client_continues_live() {
    let history = History::lost(GapReason::Invalid, From::Text("x\"y".to_owned()), 9);
    let Start::After { seen: Seen::Said(said), from, source } = history.start() else { panic!("{history:?}") };
    assert_eq!((said.as_str(), position(&from), source), ("x\"y", 9, opening::Resume::Gap));
    assert_eq!(
        texts(&history),
        [format!(
            "event: gap\nid: {EPOCH}-9\ndata: {{\"reason\":\"invalid\",\"from\":\"x\\\"y\",\"to\":\"{EPOCH}-9\"}}\n\n"
        )]
    );
}

#[test]
fn other_channels_are_left_out() {
    let history = History::assemble(0, 2, vec![entry(1, "orders"), entry(2, "stock")]);
    let filter = Filter { channels: Some(["stock".into()].into()), ..Filter::default() };
    let frames = history.frames(EPOCH, &filter);
    assert_eq!(frames, [format!("id: {EPOCH}-2\ndata: {{\"n\":2}}\n\n")]);
}
