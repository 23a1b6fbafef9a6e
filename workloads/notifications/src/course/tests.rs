use rdkafka::error::KafkaError;
use uuid::Uuid;

use super::*;
use crate::survey::{Extent, Sight, Survey};

const FIRST: Uuid = Uuid::from_u128(1);
const SECOND: Uuid = Uuid::from_u128(2);

/// Writes down what it is told.
#[derive(Default)]
struct Script(Vec<String>);

impl Script {
    fn read(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
}

impl Broadcast for Script {
    fn begin(&mut self, lane: Lane, floor: u64) {
        self.0.push(format!("begin {} at {floor}", lane.0));
    }

    fn retire(&mut self, lane: Lane) {
        self.0.push(format!("retire {}", lane.0));
    }

    fn lose(&mut self, lane: Lane, next: u64) {
        self.0.push(format!("lose {} below {next}", lane.0));
    }

    fn skip(&mut self, lane: Lane, offset: u64) {
        self.0.push(format!("skip {} {offset}", lane.0));
    }

    fn push(&mut self, draft: &Draft<'_>) {
        let Draft { lane, offset, channel, kind, data, recorded_at } = draft;
        self.0.push(format!("push {} {offset} {channel} {kind} {data} {recorded_at:?}", lane.0));
    }

    fn flush(&mut self) {}

    async fn room(&self) {}
}

fn course() -> Course {
    let lanes = Arc::new(Lanes::new(["events", "orders"]));
    let checker = Checker::new(r#"[{"type":"A","schema":true}]"#).unwrap();
    let measures = Measures::new(&prometheus::Registry::new()).unwrap();
    Course::new(lanes, checker.into(), Settings { window: 10, ring: 20 }, measures)
}

fn found(id: Uuid, extents: &[(u64, u64)]) -> Sight {
    let extents: BTreeMap<_, _> =
        (0..).zip(extents).map(|(at, (low, high))| (at, Extent { low: *low, high: *high })).collect();
    Sight::Found { id, partitions: extents.len(), extents, away: BTreeMap::new() }
}

fn survey(course: &Course, events: Sight, orders: Sight) -> Survey {
    Survey { known: course.known(), all: false, topics: vec![("events".into(), events), ("orders".into(), orders)] }
}

fn take(course: &mut Course, offset: u64, value: &str, out: &mut Script) {
    let value = Some(value.as_bytes());
    let record = Record { topic: "events", partition: 0, offset, key: None, value, recorded_at: Some(7) };
    course.take(&record, Timestamp::UNIX_EPOCH, out);
}

fn event(id: u64) -> String {
    format!(r#"{{"id":"{id}","type":"A"}}"#)
}

fn positions(course: &Course) -> Vec<(String, i32, u64)> {
    course.positions().map(|(topic, partition, next)| (topic.to_owned(), partition, next)).collect()
}

#[test]
fn a_start_reads_back_so_far_that_window_and_memory_are_right() {
    let (mut course, mut out) = (course(), Script::default());
    let survey = survey(&course, found(FIRST, &[(0, 100), (75, 100)]), Sight::Absent);
    assert_eq!(course.observe(&survey, &mut out), Next::Assign);
    // 20 events in memory are 10 of each partition, behind 10 offsets of the window; or all that there is.
    assert_eq!(out.read(), ["begin 0 at 90", "begin 1 at 90"]);
    assert_eq!(positions(&course), [("events".to_owned(), 0, 80), ("events".to_owned(), 1, 80)]);
    assert_eq!(course.measures.partitions.get(), 2);
}

#[test]
fn a_log_that_is_shorter_than_the_window_is_read_and_kept_from_its_beginning() {
    let (mut course, mut out) = (course(), Script::default());
    let survey = survey(&course, found(FIRST, &[(95, 100), (0, 0)]), Sight::Absent);
    course.observe(&survey, &mut out);
    assert_eq!(out.read(), ["begin 0 at 95", "begin 1 at 0"]);
}

#[test]
fn what_lies_below_the_floor_fills_the_window_and_what_is_no_news_is_not_counted() {
    let (mut course, mut out) = (course(), Script::default());
    let survey = survey(&course, found(FIRST, &[(0, 100)]), Sight::Absent);
    course.observe(&survey, &mut out);
    out.read();
    for (offset, id) in [(70, 1), (79, 2), (80, 3), (89, 2), (99, 4)] {
        assert!(!course.caught_up(), "before {offset}");
        take(&mut course, offset, &event(id), &mut out);
    }
    assert!(course.caught_up());
    assert_eq!(course.measures.processed(), 0);
    take(&mut course, 100, &event(5), &mut out);
    assert_eq!(course.measures.processed(), 1);
    let data = |id| format!(r#"{{"id":"{id}","type":"A","broadcastTimestamp":"1970-01-01T00:00:00.000Z"}}"#);
    let push = |offset, id| format!("push 0 {offset} events A {} Some(7)", data(id));
    assert_eq!(out.read(), [push(80, 3), "skip 0 89".to_owned(), push(99, 4), push(100, 5)]);
}

#[test]
fn invalid_records_are_skipped_and_repeated_ones_are_not_taken_again() {
    let (mut course, mut out) = (course(), Script::default());
    let survey = survey(&course, found(FIRST, &[(0, 0)]), Sight::Absent);
    course.observe(&survey, &mut out);
    out.read();
    take(&mut course, 0, "no json", &mut out);
    take(&mut course, 1, &event(1), &mut out);
    take(&mut course, 1, &event(1), &mut out);
    take(&mut course, 0, "no json", &mut out);
    assert_eq!((out.read().len(), course.measures.processed()), (2, 1));
}

#[test]
fn records_that_cannot_be_read_do_not_keep_a_start_waiting() {
    let (mut course, mut out) = (course(), Script::default());
    let survey = survey(&course, found(FIRST, &[(0, 3)]), Sight::Absent);
    course.observe(&survey, &mut out);
    take(&mut course, 0, &event(1), &mut out);
    course.pass("events", 0, 2);
    assert!(!course.caught_up());
    course.pass("events", 0, 3);
    assert!(course.caught_up());
    take(&mut course, 3, &event(2), &mut out);
    course.pass("events", 0, 9);
    assert_eq!(positions(&course)[0].2, 4, "what comes later is taken by its records only");
}

#[test]
fn a_new_partition_is_read_from_its_beginning() {
    let (mut course, mut out) = (course(), Script::default());
    let first = survey(&course, found(FIRST, &[(0, 100)]), Sight::Absent);
    course.observe(&first, &mut out);
    assert_eq!(
        course.observe(
            &survey(
                &course,
                Sight::Found { id: FIRST, extents: BTreeMap::new(), away: BTreeMap::new(), partitions: 1 },
                Sight::Absent
            ),
            &mut out
        ),
        Next::GoOn
    );
    let extents = BTreeMap::from([(1, Extent { low: 5, high: 500 })]);
    let grown = Sight::Found { id: FIRST, extents, away: BTreeMap::new(), partitions: 2 };
    assert_eq!(course.observe(&survey(&course, grown, Sight::Absent), &mut out), Next::Assign);
    assert_eq!(out.read(), ["begin 0 at 80", "begin 1 at 5"]);
    assert_eq!(positions(&course)[1], ("events".to_owned(), 1, 5));
}

#[test]
fn a_topic_that_appears_is_read_from_its_beginning_and_one_that_was_hidden_is_not() {
    let (mut course, mut out) = (course(), Script::default());
    let first = survey(&course, Sight::Absent, Sight::Hidden(realtime_kafka_topics::TopicError::Denied));
    assert_eq!(course.observe(&first, &mut out), Next::GoOn);
    assert!(course.caught_up());
    let second = survey(&course, found(FIRST, &[(0, 100)]), found(FIRST, &[(0, 100)]));
    assert_eq!(course.observe(&second, &mut out), Next::Assign);
    assert_eq!(out.read(), ["begin 0 at 0", "begin 1 at 100"]);
    assert_eq!(positions(&course)[1], ("orders".to_owned(), 0, 90), "the window before is read");
}

#[test]
fn a_partition_that_is_away_keeps_no_other_from_being_read_and_is_no_news_when_it_returns() {
    let (mut course, mut out) = (course(), Script::default());
    let away = BTreeMap::from([(0, KafkaError::Canceled)]);
    let extents = BTreeMap::from([(1, Extent { low: 0, high: 4 })]);
    let sight = Sight::Found { id: FIRST, extents, away, partitions: 2 };
    assert_eq!(course.observe(&survey(&course, sight, Sight::Absent), &mut out), Next::Assign);
    assert_eq!((out.read(), positions(&course)), (vec!["begin 1 at 0".to_owned()], vec![("events".to_owned(), 1, 0)]));
    let back = survey(&course, found(FIRST, &[(0, 100), (0, 4)]), Sight::Absent);
    assert_eq!(course.observe(&back, &mut out), Next::Assign);
    assert_eq!(out.read(), ["begin 0 at 100", "lose 0 below 100"]);
    assert_eq!(positions(&course)[0].2, 90);
    take(&mut course, 95, &event(1), &mut out);
    take(&mut course, 100, &event(1), &mut out);
    take(&mut course, 101, &event(2), &mut out);
    assert_eq!(out.read()[0], "skip 0 100", "its id stands in the window");
}

#[test]
fn a_log_that_lost_records_and_grew_again_is_a_new_epoch() {
    let (mut course, mut out) = (course(), Script::default());
    course.observe(&survey(&course, found(FIRST, &[(0, 100)]), Sight::Absent), &mut out);
    take(&mut course, 99, &event(1), &mut out);
    out.read();
    let grown = |course: &Course| Survey { all: true, ..survey(course, found(FIRST, &[(0, 150)]), Sight::Absent) };
    course.observe(&grown(&course), &mut out);
    assert_eq!(out.read(), [] as [&str; 0], "nobody refused to go on");
    course.stop("events", 0);
    assert_eq!(course.observe(&grown(&course), &mut out), Next::Assign);
    assert_eq!(out.read(), ["begin 1 at 150", "retire 0", "lose 1 below 150"]);
    assert_eq!((positions(&course)[0].2, course.measures.lost.get()), (140, 1));
    course.observe(&grown(&course), &mut out);
    assert_eq!(out.read(), [] as [&str; 0], "once");
}

#[test]
fn a_suspicion_ends_with_the_next_record() {
    let (mut course, mut out) = (course(), Script::default());
    course.observe(&survey(&course, found(FIRST, &[(0, 100)]), Sight::Absent), &mut out);
    take(&mut course, 99, &event(1), &mut out);
    let cut = |course: &Course| Survey { all: true, ..survey(course, found(FIRST, &[(0, 60)]), Sight::Absent) };
    course.observe(&cut(&course), &mut out);
    assert!(course.is_suspicious());
    take(&mut course, 100, &event(2), &mut out);
    assert!(!course.is_suspicious());
    out.read();
    course.observe(&cut(&course), &mut out);
    assert_eq!(out.read(), [] as [&str; 0]);
}

#[test]
fn a_topic_that_is_created_anew_gets_new_lanes_an_empty_window_and_is_read_from_its_beginning() {
    let (mut course, mut out) = (course(), Script::default());
    let first = survey(&course, found(FIRST, &[(0, 0)]), Sight::Absent);
    course.observe(&first, &mut out);
    take(&mut course, 0, &event(1), &mut out);
    let gone = survey(&course, Sight::Absent, Sight::Absent);
    assert_eq!(course.observe(&gone, &mut out), Next::GoOn);
    let again = survey(&course, found(SECOND, &[(0, 100)]), Sight::Absent);
    out.read();
    assert_eq!(course.observe(&again, &mut out), Next::Renew);
    assert_eq!(out.read(), ["retire 0", "begin 1 at 0"]);
    take(&mut course, 0, &event(1), &mut out);
    assert!(out.read()[0].starts_with("push 1 0 events A"));
    assert_eq!(course.measures.recreations.get(), 1);
}

#[test]
fn records_that_left_the_log_are_counted_and_told() {
    let (mut course, mut out) = (course(), Script::default());
    let first = survey(&course, found(FIRST, &[(0, 0)]), Sight::Absent);
    course.observe(&first, &mut out);
    out.read();
    let overtaken = Survey { all: true, ..survey(&course, found(FIRST, &[(30, 50)]), Sight::Absent) };
    assert_eq!(course.observe(&overtaken, &mut out), Next::Assign);
    assert_eq!(out.read(), ["lose 0 below 30"]);
    assert_eq!((positions(&course)[0].2, course.measures.lost.get()), (30, 30));
}

#[test]
fn a_log_that_lost_its_end_goes_on_in_another_lane() {
    let (mut course, mut out) = (course(), Script::default());
    let first = survey(&course, found(FIRST, &[(0, 100)]), Sight::Absent);
    course.observe(&first, &mut out);
    take(&mut course, 99, &event(1), &mut out);
    out.read();
    let asked_before = Survey { all: true, ..survey(&course, found(FIRST, &[(0, 100)]), Sight::Absent) };
    take(&mut course, 100, &event(2), &mut out);
    out.read();
    course.observe(&asked_before, &mut out);
    assert_eq!(out.read(), [] as [&str; 0], "a record that came after the question is no sign");
    let mut ends_at = |high| {
        let cut = Survey { all: true, ..survey(&course, found(FIRST, &[(0, high)]), Sight::Absent) };
        assert_eq!(course.observe(&cut, &mut out), Next::Assign);
    };
    // Once may be an error of a new leader.
    ends_at(60);
    ends_at(101);
    ends_at(60);
    ends_at(60);
    assert_eq!(out.read(), ["begin 1 at 60", "retire 0", "lose 1 below 60"]);
    assert_eq!(positions(&course)[0].2, 60);
}
