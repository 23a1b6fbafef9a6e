use std::sync::atomic::Ordering;

use rdkafka::consumer::Consumer;
use realtime_fanout::{Draft, Lane};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::timeout,
};

use super::*;
use crate::{
    check::Checker,
    cluster::{Cluster, event, forgetful::Forgetful},
    course::Settings,
    lanes::Lanes,
    survey::{Extent, survey},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What was pushed, and with which lane and offset.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pushed(u32, u64, String);

#[derive(Clone)]
struct Wire(UnboundedSender<Pushed>);

impl Broadcast for Wire {
    fn begin(&mut self, _: Lane, _: u64) {}
    fn retire(&mut self, _: Lane) {}
    fn lose(&mut self, _: Lane, _: u64) {}
    fn skip(&mut self, _: Lane, _: u64) {}
    fn push(&mut self, draft: &Draft<'_>) {
        let data: serde_json::Value = serde_json::from_str(draft.data).unwrap();
        assert_eq!(draft.channel, "key");
        self.0.send(Pushed(draft.lane.0, draft.offset, data["id"].as_str().unwrap().to_owned())).unwrap();
    }
    fn flush(&mut self) {}

    async fn room(&self) {}
}

/// A follower that runs.
struct Running {
    pushed: UnboundedReceiver<Pushed>,
    measures: Measures,
    token: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(cluster: &Cluster, topics: &[&str]) -> Self {
        Self::start_with(cluster, topics, |_, _| {}).await
    }

    /// Starts a follower to which something was done before.
    async fn start_with(cluster: &Cluster, topics: &[&str], before: impl FnOnce(&mut Follower, &mut Wire)) -> Self {
        Self::start_by(&cluster.config(), topics, before).await
    }

    async fn start_by(config: &ClientConfig, topics: &[&str], before: impl FnOnce(&mut Follower, &mut Wire)) -> Self {
        let measures = Measures::new(&prometheus::Registry::new()).unwrap();
        let checker = Checker::new(r#"[{"type":"A","schema":true}]"#).unwrap();
        let settings = Settings { window: 10, ring: 10 };
        let lanes = Arc::new(Lanes::new(topics.iter().copied()));
        let course = Course::new(lanes, checker.into(), settings, measures.clone());
        let mut follower = Follower::new(config, course, &measures).unwrap();
        let (sender, pushed) = unbounded_channel();
        let mut wire = Wire(sender);
        before(&mut follower, &mut wire);
        let (ready, when_ready) = oneshot::channel();
        let token = CancellationToken::new();
        let task = tokio::spawn(follower.run(wire, ready, token.clone()));
        timeout(PATIENCE, when_ready).await.unwrap().unwrap();
        Self { pushed, measures, token, task }
    }

    /// What was pushed before the start was over.
    fn at_hand(&mut self) -> Vec<Pushed> {
        std::iter::from_fn(|| self.pushed.try_recv().ok()).collect()
    }

    async fn next(&mut self) -> Pushed {
        timeout(PATIENCE, self.pushed.recv()).await.unwrap().unwrap()
    }

    async fn end(self) {
        self.token.cancel();
        self.task.await.unwrap();
    }
}

fn pushed(lane: u32, offset: u64, id: &str) -> Pushed {
    Pushed(lane, offset, id.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_fills_memory_and_then_follows_in_order() {
    let cluster = Cluster::new(&[("events", 1)]);
    for offset in 0..40 {
        cluster.append(("events", 0), 0, &event(&offset.to_string()));
    }
    let mut running = Running::start(&cluster, &["events"]).await;
    let warm: Vec<_> = (30..40).map(|offset| pushed(0, offset, &offset.to_string())).collect();
    assert_eq!(running.at_hand(), warm);
    assert_eq!(running.measures.processed(), 0);
    for offset in 40..60 {
        cluster.append(("events", 0), 0, &event(&offset.to_string()));
    }
    for offset in 40..60 {
        assert_eq!(running.next().await, pushed(0, offset, &offset.to_string()));
    }
    assert_eq!(running.measures.processed(), 20);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_again_decides_about_duplicates_as_before() {
    let cluster = Cluster::new(&[("events", 2)]);
    let mut random = fastrand::Rng::with_seed(7);
    let mut first = Running::start(&cluster, &["events"]).await;
    for _ in 0..80 {
        cluster.append(("events", random.i32(0..2)), 0, &event(&random.u8(0..15).to_string()));
    }
    // Partitions come in their own times, so each has an end of its own.
    let mut open = vec!["last of 0", "last of 1"];
    for (partition, last) in (0..).zip(&open) {
        cluster.append(("events", partition), 0, &event(last));
    }
    let mut before = Vec::new();
    while !open.is_empty() {
        let next = first.next().await;
        open.retain(|last| *last != next.2);
        before.push(next);
    }
    first.end().await;
    let mut second = Running::start(&cluster, &["events"]).await;
    let mut again = second.at_hand();
    second.end().await;
    for lane in 0..2 {
        let of_lane = |pushed: &&Pushed| pushed.0 == lane;
        let Some(from) = again.iter().find(of_lane).map(|pushed| pushed.1) else { panic!("nothing of lane {lane}") };
        let same: Vec<_> = before.iter().filter(of_lane).filter(|pushed| pushed.1 >= from).cloned().collect();
        assert_eq!(again.extract_if(.., |pushed| pushed.0 == lane).collect::<Vec<_>>(), same, "lane {lane}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_appears_is_read_from_its_beginning_beside_the_others() {
    let cluster = Cluster::new(&[("events", 1)]);
    let mut running = Running::start(&cluster, &["events", "orders"]).await;
    cluster.append(("events", 0), 0, &event("one"));
    assert_eq!(running.next().await, pushed(0, 0, "one"));
    cluster.brokers.create_topic("orders", 2, 1).unwrap();
    cluster.append(("orders", 1), 0, &event("two"));
    assert_eq!(running.next().await, pushed(2, 0, "two"));
    cluster.append(("events", 0), 0, &event("three"));
    assert_eq!(running.next().await, pushed(0, 1, "three"));
    assert_eq!(running.measures.partitions.get(), 3);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_and_returns_loses_nothing() {
    let cluster = Cluster::new(&[("events", 1)]);
    let mut running = Running::start(&cluster, &["events"]).await;
    cluster.append(("events", 0), 0, &event("one"));
    assert_eq!(running.next().await, pushed(0, 0, "one"));
    cluster.brokers.broker_down(1).unwrap();
    cluster.brokers.broker_up(1).unwrap();
    cluster.append(("events", 0), 0, &event("two"));
    cluster.append(("events", 0), 0, &event("two"));
    cluster.append(("events", 0), 0, &event("three"));
    assert_eq!(running.next().await, pushed(0, 1, "two"));
    assert_eq!(running.next().await, pushed(0, 3, "three"));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_without_a_word_is_replaced_and_nothing_is_lost_or_comes_twice() {
    let cluster = Cluster::new(&[("events", 2)]);
    let mut client = None;
    let keep = |follower: &mut Follower, _: &mut Wire| client = Some(follower.consumer.clone());
    let mut running = Running::start_with(&cluster, &["events"], keep).await;
    cluster.append(("events", 0), 0, &event("one"));
    assert_eq!(running.next().await, pushed(0, 0, "one"));
    client.unwrap().unassign().unwrap();
    for (partition, id) in [(0, "two"), (1, "three"), (0, "four")] {
        cluster.append(("events", partition), 0, &event(id));
    }
    let mut came = [running.next().await, running.next().await, running.next().await];
    came.sort_by_key(|pushed| (pushed.0, pushed.1));
    assert_eq!(came, [pushed(0, 1, "two"), pushed(0, 2, "four"), pushed(1, 0, "three")]);
    assert_eq!(running.measures.clients_given_up.with_label_values(&["behind"]).get(), 1);
    cluster.append(("events", 1), 0, &event("five"));
    assert_eq!(running.next().await, pushed(1, 1, "five"));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_names_no_broker_after_its_start_stops_nobody() {
    let cluster = Cluster::new(&[("events", 1)]);
    let way = Forgetful::before(&cluster.brokers.bootstrap_servers());
    let mut config = cluster.config();
    config.set("bootstrap.servers", way.address.to_string());
    // Else it depends on the moment of another answer whether the client forgets the configured brokers, too.
    config.set("metadata.recovery.strategy", "none");
    let mut running = Running::start_by(&config, &["events"], |_, _| {}).await;
    cluster.append(("events", 0), 0, &event("one"));
    assert_eq!(running.next().await, pushed(0, 0, "one"));
    way.empty.store(usize::MAX, Ordering::SeqCst);
    // On a slow machine its questions may have failed for long enough before it has told thrice.
    let given_up = |cause| running.measures.clients_given_up.with_label_values(&[cause]).get();
    let replaced = async {
        while given_up("lonely") + given_up("unanswered") == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE * 2, replaced).await.unwrap();
    way.empty.store(0, Ordering::SeqCst);
    for offset in 1..20 {
        cluster.append(("events", 0), 0, &event(&offset.to_string()));
        assert_eq!(running.next().await, pushed(0, offset, &offset.to_string()));
    }
    running.end().await;
}

/// Makes the follower believe, before it asks by itself, that the log has those ends.
fn believe(follower: &mut Follower, wire: &mut Wire, end: u64) {
    let course = &mut follower.course;
    let mut seen = survey(follower.consumer.client(), &course.lanes.names(), course.known(), true).unwrap();
    for (_, sight) in &mut seen.topics {
        let Sight::Found { extents, .. } = sight else { panic!("{sight:?}") };
        extents.values_mut().for_each(|extent| *extent = Extent { low: 0, high: end });
    }
    course.observe(&seen, wire);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_its_end_is_read_on_in_another_lane() {
    let cluster = Cluster::new(&[("events", 1)]);
    cluster.append(("events", 0), 0, &event("one"));
    let before = |follower: &mut Follower, wire: &mut Wire| believe(follower, wire, 50);
    let mut running = Running::start_with(&cluster, &["events"], before).await;
    cluster.append(("events", 0), 0, &event("two"));
    assert_eq!(running.next().await, pushed(1, 1, "two"));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_left_the_log_are_counted_as_lost_and_the_others_are_read() {
    let cluster = Cluster::new(&[("events", 1)]);
    // The mock cluster's partitions keep 5 MiB.
    let filler = "x".repeat(900_000);
    for id in 0..12 {
        cluster.append(("events", 0), 0, &format!(r#"{{"id":"{id}","type":"A","filler":"{filler}"}}"#));
    }
    let mut running = Running::start_with(&cluster, &["events"], |follower, wire| believe(follower, wire, 0)).await;
    let first = running.next().await;
    assert_eq!(first, pushed(0, first.1, &first.1.to_string()));
    assert_eq!((first.1 > 0, running.measures.lost.get()), (true, first.1));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_without_a_leader_keeps_no_other_from_being_read() {
    let cluster = Cluster::new(&[("events", 2)]);
    cluster.append(("events", 0), 0, &event("before"));
    cluster.brokers.partition_leader("events", 0, None).unwrap();
    let mut running = Running::start(&cluster, &["events"]).await;
    cluster.append(("events", 1), 0, &event("one"));
    assert_eq!(running.next().await, pushed(1, 0, "one"));
    cluster.brokers.partition_leader("events", 0, Some(1)).unwrap();
    let found = async {
        while running.measures.partitions.get() < 2 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, found).await.unwrap();
    cluster.append(("events", 0), 0, &event("two"));
    assert_eq!(running.next().await, pushed(0, 1, "two"), "what was there before is no news");
    running.end().await;
}
