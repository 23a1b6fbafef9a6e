use super::*;
use crate::Draft;

const BOUNDS: Bounds = Bounds { events: 4, bytes: 1000 };

fn event(lane: u32, offset: u64) -> Arc<Event> {
    let draft = Draft { lane: Lane(lane), offset, channel: "c", kind: "K", data: "{}", recorded_at: None };
    Arc::new(Event::new(&draft, "x"))
}

fn vector(next: &[u64]) -> Vector {
    (0..).map(Lane).zip(next.iter().copied()).collect()
}

/// Lanes 0 and 1 from their offsets 10 and 20 on, then the events given as lane and offset.
fn ring(events: &[(u32, u64)]) -> Ring {
    let mut ring = Ring::new(BOUNDS);
    ring.begin(Lane(0), 10);
    ring.begin(Lane(1), 20);
    for (lane, offset) in events {
        ring.push(event(*lane, *offset));
    }
    ring
}

fn read(ring: &Ring, position: u64) -> Option<Vec<(u32, u64)>> {
    ring.read_from(position).map(|events| events.map(|event| (event.lane.0, event.offset)).collect())
}

#[test]
fn keeps_the_newest_and_says_from_where_on_it_is_complete() {
    let ring = ring(&[(0, 10), (1, 20), (0, 12), (0, 13), (1, 21)]);
    assert_eq!(ring.head(), 5);
    assert_eq!(read(&ring, 1), Some(vec![(1, 20), (0, 12), (0, 13), (1, 21)]));
    assert_eq!(read(&ring, 0), None, "it was evicted");
    assert_eq!(read(&ring, 5), Some(Vec::new()));
    assert!(ring.covers(&vector(&[11, 20])));
    assert!(!ring.covers(&vector(&[10, 20])), "offset 10 of lane 0 was evicted");
    assert_eq!(ring.enter(vector(&[10, 20])), None);
    assert_eq!(ring.enter(vector(&[11, 20])).unwrap().1.next, 1);
    assert!(!ring.covers(&vector(&[11])), "lane 1 has never begun for that client");
    assert_eq!(*ring.newest(), vector(&[14, 22]));
}

#[test]
fn is_bounded_by_bytes_but_keeps_the_newest() {
    let mut ring = Ring::new(Bounds { events: 10, bytes: 40 });
    ring.begin(Lane(0), 0);
    for offset in 0..9 {
        ring.push(event(0, offset));
    }
    assert_eq!(event(0, 0).frame().len(), 16);
    assert_eq!(read(&ring, 7), Some(vec![(0, 7), (0, 8)]));
    assert_eq!(read(&ring, 6), None);
    let mut tiny = Ring::new(Bounds { events: 10, bytes: 1 });
    tiny.push(event(0, 0));
    assert_eq!(read(&tiny, 0), Some(vec![(0, 0)]));
}

#[test]
fn a_client_of_this_process_goes_on_behind_its_own_position() {
    let ring = ring(&[(0, 10), (1, 20), (0, 12), (1, 21)]);
    assert_eq!(ring.locate(&vector(&[11, 21])), Place { next: 2, shared_from: Some(2) });
    assert_eq!(ring.locate(&vector(&[13, 22])), Place { next: 4, shared_from: Some(4) });
}

#[test]
fn a_client_of_another_process_saw_another_order() {
    let ring = ring(&[(0, 10), (1, 20), (0, 12), (1, 21)]);
    // It has both events of lane 1 and none of lane 0.
    assert_eq!(ring.locate(&vector(&[10, 22])), Place { next: 0, shared_from: Some(4) });
}

#[test]
fn a_client_that_has_more_than_this_process_keeps_its_own_cursor() {
    let ring = ring(&[(0, 10), (1, 20)]);
    assert_eq!(ring.locate(&vector(&[99, 20])), Place { next: 1, shared_from: None });
}

#[test]
fn records_without_an_event_move_the_vector() {
    let mut ring = ring(&[(0, 10)]);
    ring.raise(&vector(&[15, 20]));
    assert_eq!(*ring.newest(), vector(&[15, 20]));
    assert_eq!(ring.locate(&vector(&[15, 20])), Place { next: 1, shared_from: Some(1) });
}

#[test]
fn nothing_of_a_retired_lane_is_wanted() {
    let mut ring = ring(&[(0, 10), (1, 20), (0, 11)]);
    ring.retire(Lane(0));
    ring.begin(Lane(2), 0);
    ring.push(event(2, 0));
    let client = ring.current(vector(&[0, 20, 0]));
    assert!(ring.covers(&client));
    assert_eq!(ring.locate(&client).next, 1);
    assert!(client.covers(Lane(0), 11), "the event that is still kept is skipped");
}

#[test]
fn who_lacks_what_was_lost_is_not_covered() {
    let mut ring = ring(&[(0, 10)]);
    ring.lose(Lane(0), 50);
    assert!(!ring.covers(&vector(&[11, 20])));
    ring.push(event(0, 50));
    assert!(ring.covers(&vector(&[50, 20])));
    assert_eq!(ring.locate(&vector(&[50, 20])).next, 1);
}
