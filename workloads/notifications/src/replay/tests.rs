use std::collections::BTreeSet;

use realtime_fanout::Lane;

use super::*;
use crate::{
    cluster::{Cluster, event},
    gap::Gap,
    survey::{Sight, survey},
};

/// Memory that does not move.
struct Fixed {
    floor: Vector,
    newest: Vector,
}

impl Memory for Fixed {
    fn floor(&self) -> Vector {
        self.floor.clone()
    }

    fn newest(&self) -> Vector {
        self.newest.clone()
    }
}

fn vector(next: &[u64]) -> Vector {
    (0..).map(Lane).zip(next.iter().copied()).collect()
}

/// Replays whose memory begins at the floor.
fn replays(cluster: &Cluster, floor: &[u64], newest: &[u64], limits: Limits) -> Replays {
    let consumer: rdkafka::consumer::BaseConsumer = cluster.config().set("group.id", "test").create().unwrap();
    let client = rdkafka::consumer::Consumer::client(&consumer);
    let lanes = Arc::new(Lanes::new(["events", "orders"]));
    for (topic, sight) in survey(client, &lanes.names(), Default::default(), false).unwrap().topics {
        let Sight::Found { id, partitions, .. } = sight else { continue };
        lanes.enter(&topic, id, partitions);
    }
    Replays::new(Parts {
        config: cluster.config(),
        checker: Checker::new(r#"[{"type":"A","schema":true},{"type":"B","schema":true}]"#).unwrap().into(),
        codec: Arc::new(Codec::new(lanes.clone(), b"key")),
        lanes,
        memory: Arc::new(Fixed { floor: vector(floor), newest: vector(newest) }),
        window: 5,
        limits,
        measures: Measures::new(&prometheus::Registry::new()).unwrap(),
    })
}

/// Ids of frames as vectors, and ids of their events or reasons of gaps.
fn told(replays: &Replays, history: &History) -> Vec<(Vector, String)> {
    let read = |frame: &Bytes| {
        let text = std::str::from_utf8(frame).unwrap();
        let line = |field: &str| text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        let data: serde_json::Value = serde_json::from_str(line("data: ")).unwrap();
        let name = data.get("id").or(data.get("reason")).unwrap().as_str().unwrap().to_owned();
        (replays.parts.codec.decode(line("id: "), &Vector::default()).unwrap().vector, name)
    };
    history.frames.iter().map(read).collect()
}

fn expected(told: &[(&[u64], &str)]) -> Vec<(Vector, String)> {
    told.iter().map(|(next, name)| (vector(next), (*name).to_owned())).collect()
}

#[tokio::test]
async fn tells_what_was_missed_by_time_with_an_id_each_and_without_duplicates() {
    let cluster = Cluster::new(&[("events", 1), ("orders", 1)]);
    // Lane 0 is `events`, lane 1 is `orders`.
    for (topic, time, id) in [
        ("events", 10, "a"),
        ("events", 20, "b"),
        ("orders", 15, "x"),
        ("events", 30, "a"),
        ("orders", 25, "y"),
        ("events", 40, "c"),
        ("orders", 50, "z"),
    ] {
        cluster.append((topic, 0), time, &event(id));
    }
    let replays = replays(&cluster, &[4, 2], &[4, 3], Limits::default());
    let (history, _turn) = replays.read(vector(&[1, 0]), Filter::default()).await.unwrap();
    assert_eq!(
        told(&replays, &history),
        expected(&[(&[1, 1], "x"), (&[2, 1], "b"), (&[2, 2], "y"), (&[4, 2], "c")]),
        "the second a stood in the window before what is wanted"
    );
    assert_eq!((history.end, history.gap), (vector(&[4, 2]), false));
    assert_eq!(replays.parts.measures.replayed.get(), 4);
}

#[tokio::test]
async fn what_memory_covers_is_not_read() {
    let cluster = Cluster::new(&[("events", 1)]);
    let replays = replays(&cluster, &[4], &[9], Limits::default());
    drop(cluster);
    let (history, _turn) = replays.read(vector(&[4]), Filter::default()).await.unwrap();
    assert_eq!(history, History { frames: Vec::new(), end: vector(&[4]), gap: false });
}

#[tokio::test]
async fn the_turn_is_kept_as_long_as_the_history() {
    let cluster = Cluster::new(&[("events", 1)]);
    let replays = replays(&cluster, &[4], &[9], Limits::default());
    let kept = replays.read(vector(&[4]), Filter::default()).await.unwrap();
    assert_eq!(replays.turns.available_permits(), AT_ONCE - 1);
    drop(kept);
    assert_eq!(replays.turns.available_permits(), AT_ONCE);
}

#[tokio::test]
async fn goes_a_quarter_into_memory() {
    let cluster = Cluster::new(&[("events", 1)]);
    for id in 0..20 {
        cluster.append(("events", 0), 0, &event(&id.to_string()));
    }
    let replays = replays(&cluster, &[4], &[20], Limits::default());
    let (history, _turn) = replays.read(vector(&[2]), Filter::default()).await.unwrap();
    assert_eq!((history.frames.len(), history.end), (6, vector(&[8])));
}

#[tokio::test]
async fn events_that_are_not_wanted_cost_nothing_and_the_end_lies_behind_them() {
    let cluster = Cluster::new(&[("events", 1)]);
    for kind in ["B", "A", "B", "A", "B", "A"] {
        let id = fastrand::u64(..);
        cluster.append(("events", 0), 0, &format!(r#"{{"id":"{id}","type":"{kind}"}}"#));
    }
    let replays = replays(&cluster, &[6], &[6], Limits { events: 3, ..Limits::default() });
    let filter = Filter { kinds: Some(BTreeSet::from(["B".into()])), ..Filter::default() };
    let (history, _turn) = replays.read(Vector::default(), filter).await.unwrap();
    assert_eq!((history.frames.len(), history.end, history.gap), (3, vector(&[6]), false));
}

#[tokio::test]
async fn a_limit_is_told_behind_what_fitted_and_the_stream_goes_on_with_what_comes() {
    let cluster = Cluster::new(&[("events", 1)]);
    for id in 0..10 {
        cluster.append(("events", 0), 0, &event(&id.to_string()));
    }
    let replays = replays(&cluster, &[8], &[10], Limits { events: 2, ..Limits::default() });
    let (history, _turn) = replays.read(vector(&[3]), Filter::default()).await.unwrap();
    assert_eq!(told(&replays, &history), expected(&[(&[4], "3"), (&[5], "4"), (&[10], Gap::Limit.name())]));
    assert_eq!((history.end, history.gap), (vector(&[10]), true));
}

#[tokio::test]
async fn a_cursor_before_the_log_is_told_what_it_misses_first() {
    let cluster = Cluster::new(&[("events", 1)]);
    // The mock cluster's partitions keep 5 MiB.
    let filler = "x".repeat(900_000);
    for id in 0..12 {
        cluster.append(("events", 0), 0, &format!(r#"{{"id":"{id}","type":"A","filler":"{filler}"}}"#));
    }
    let replays = replays(&cluster, &[12], &[12], Limits::default());
    let (history, _turn) = replays.read(vector(&[1]), Filter::default()).await.unwrap();
    let told = told(&replays, &history);
    let first = told[0].0.next(Lane(0));
    assert!(first > 1, "nothing was trimmed");
    assert_eq!(told[0].1, "trimmed");
    let rest: Vec<_> = (first..12).map(|offset| (vector(&[offset + 1]), offset.to_string())).collect();
    assert_eq!((&told[1..], history.gap), (&*rest, true));
}

#[tokio::test]
async fn what_the_log_has_no_longer_but_memory_has_is_left_to_memory() {
    let cluster = Cluster::new(&[("events", 1)]);
    let filler = "x".repeat(900_000);
    for id in 0..12 {
        cluster.append(("events", 0), 0, &format!(r#"{{"id":"{id}","type":"A","filler":"{filler}"}}"#));
    }
    let replays = replays(&cluster, &[2], &[12], Limits::default());
    let (history, _turn) = replays.read(vector(&[1]), Filter::default()).await.unwrap();
    assert_eq!(told(&replays, &history), expected(&[(&[2], "trimmed")]));
    assert_eq!((history.end, history.gap), (vector(&[2]), true));
}

#[tokio::test]
async fn a_log_that_ends_before_memory_begins_is_an_error() {
    let cluster = Cluster::new(&[("events", 1)]);
    cluster.append(("events", 0), 0, &event("a"));
    let replays = replays(&cluster, &[5], &[9], Limits::default());
    let error = replays.read(vector(&[1]), Filter::default()).await.map(|(history, _)| history).unwrap_err();
    assert!(matches!(error, Error::Advance), "{error:?}");
}

#[tokio::test]
async fn what_fills_the_window_is_not_told() {
    let cluster = Cluster::new(&[("events", 1)]);
    for id in 0..300 {
        cluster.append(("events", 0), 0, &event(&id.to_string()));
    }
    let mut replays = replays(&cluster, &[300], &[300], Limits::default());
    Arc::get_mut(&mut replays.parts).unwrap().window = 299;
    let (history, _turn) = replays.read(vector(&[299]), Filter::default()).await.unwrap();
    assert_eq!(told(&replays, &history), expected(&[(&[300], "299")]));
}

#[tokio::test]
async fn a_history_that_finds_no_room_is_an_error_and_gives_up_what_it_took() {
    let cluster = Cluster::new(&[("events", 1)]);
    cluster.append(("events", 0), 0, &event("a"));
    let replays = replays(&cluster, &[1], &[1], Limits::default());
    let mut others = replays.room.another();
    assert!(others.take(ROOM as usize));
    let error = replays.read(Vector::default(), Filter::default()).await.map(|(history, _)| history).unwrap_err();
    assert!(matches!(error, Error::TakeRoom), "{error:?}");
    assert_eq!((replays.parts.measures.replays_failed.get(), replays.outage.load(Ordering::Relaxed)), (1, false));
    drop(others);
    assert!(replays.read(Vector::default(), Filter::default()).await.is_ok());
}

#[tokio::test]
async fn a_cursor_behind_the_end_of_the_log_is_told_of_another_epoch() {
    let cluster = Cluster::new(&[("events", 1), ("orders", 1)]);
    cluster.append(("events", 0), 0, &event("a"));
    cluster.append(("orders", 0), 0, &event("b"));
    let replays = replays(&cluster, &[1, 1], &[1, 1], Limits::default());
    let (history, _turn) = replays.read(vector(&[50, 0]), Filter::default()).await.unwrap();
    assert_eq!(told(&replays, &history), expected(&[(&[1, 0], "epoch"), (&[1, 1], "b")]));
    assert!(history.gap);
}

#[tokio::test]
async fn a_cursor_that_is_further_than_this_process_is_good_when_the_log_is_as_far() {
    let cluster = Cluster::new(&[("events", 1)]);
    for id in ["a", "b", "c"] {
        cluster.append(("events", 0), 0, &event(id));
    }
    let replays = replays(&cluster, &[0], &[1], Limits::default());
    let (history, _turn) = replays.read(vector(&[3]), Filter::default()).await.unwrap();
    assert_eq!(history, History { frames: Vec::new(), end: vector(&[3]), gap: false });
}

#[tokio::test]
async fn brokers_that_are_away_are_an_error_within_the_time() {
    let cluster = Cluster::new(&[("events", 1)]);
    cluster.append(("events", 0), 0, &event("a"));
    let limits = Limits { time: Duration::from_millis(500), ..Limits::default() };
    let replays = replays(&cluster, &[1], &[1], limits);
    cluster.brokers.broker_down(1).unwrap();
    let error = replays.read(Vector::default(), Filter::default()).await.map(|(history, _)| history).unwrap_err();
    assert!(matches!(error, Error::ReadTopics(_)), "{error:?}");
    assert!(replays.outage.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_topic_that_was_created_anew_is_not_read_by_offsets_of_the_old_one() {
    let cluster = Cluster::new(&[("events", 1)]);
    cluster.append(("events", 0), 0, &event("a"));
    let replays = replays(&cluster, &[1], &[1], Limits::default());
    // The reader has seen the new one, which the brokers' answer does not show yet, or the other way round.
    replays.parts.lanes.enter("events", uuid::Uuid::from_u128(7), 1);
    let parts = Parts {
        config: cluster.config(),
        lanes: replays.parts.lanes.clone(),
        checker: replays.parts.checker.clone(),
        codec: replays.parts.codec.clone(),
        memory: Arc::new(Fixed { floor: vector(&[0, 1]), newest: vector(&[0, 1]) }),
        window: 5,
        limits: Limits::default(),
        measures: replays.parts.measures.clone(),
    };
    let error =
        Replays::new(parts).read(Vector::default(), Filter::default()).await.map(|(history, _)| history).unwrap_err();
    assert!(matches!(&error, Error::FindTopic { topic } if **topic == *"events"), "{error:?}");
}

#[tokio::test]
async fn a_replay_ends_when_its_client_goes_and_gives_up_its_turn() {
    let cluster = Cluster::new(&[("events", 1)]);
    cluster.append(("events", 0), 0, &event("a"));
    let replays = replays(&cluster, &[1], &[1], Limits::default());
    cluster.brokers.broker_round_trip_time(1, Duration::from_secs(3)).unwrap();
    let mut reads: Vec<_> =
        (0..AT_ONCE).map(|_| Box::pin(replays.read(Vector::default(), Filter::default()))).collect();
    for read in &mut reads {
        assert!(futures::poll!(read).is_pending());
    }
    assert_eq!(replays.turns.available_permits(), 0);
    drop(reads);
    let all = timeout(Duration::from_secs(8), replays.turns.acquire_many(AT_ONCE as u32)).await;
    assert!(all.is_ok(), "they still run");
}
