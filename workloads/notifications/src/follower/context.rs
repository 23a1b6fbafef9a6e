//! What the consumer tells beside records: how far it is.

use std::collections::BTreeMap;

use prometheus::IntGaugeVec;
use rdkafka::{ClientContext, Statistics, consumer::ConsumerContext, error::KafkaError, statistics::Partition};
use realtime_chassis::kafka::known_brokers;
use tokio::sync::watch;
use tracing::debug;

/// What the client tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) progress: Progress,
    /// Brokers that it knows and could ask.
    pub(super) brokers: usize,
}

/// How far partitions are, by topic and number.
pub(super) type Progress = BTreeMap<(String, i32), Reading>;

/// How far a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Everything below was read that can be read.
    pub(super) up_to: u64,
    /// Nothing is fetched any more: the client has refused to go on.
    pub(super) stopped: bool,
}

/// Takes the client's statistics.
pub(super) struct Context {
    topics: Vec<Box<str>>,
    lag: IntGaugeVec,
    told: watch::Sender<Told>,
}

impl Context {
    /// Measures those topics.
    pub(super) fn new(topics: Vec<Box<str>>, lag: IntGaugeVec) -> (Self, watch::Receiver<Told>) {
        let (told, receiver) = watch::channel(Told::default());
        (Self { topics, lag, told }, receiver)
    }
}

impl ClientContext for Context {
    fn stats(&self, statistics: Statistics) {
        let mut progress = Progress::new();
        let brokers = known_brokers(&statistics);
        let topics =
            statistics.topics.into_values().filter(|topic| self.topics.iter().any(|name| **name == topic.topic));
        for topic in topics {
            for partition in topic.partitions.values().filter(|partition| partition.partition >= 0) {
                let Some(read) = read_up_to(partition) else { continue };
                if let Some(end) = offset(partition.hi_offset) {
                    let labels = [topic.topic.as_str(), &partition.partition.to_string()];
                    self.lag
                        .with_label_values(&labels)
                        .set(i64::try_from(end.saturating_sub(read)).unwrap_or(i64::MAX));
                }
                // As librdkafka names the state after an offset that it cannot go on from.
                let reading = Reading { up_to: read, stopped: partition.fetch_state == "none" };
                progress.insert((topic.topic.clone(), partition.partition), reading);
            }
        }
        self.told.send_replace(Told { progress, brokers });
    }

    /// The same errors come as results of reading.
    fn error(&self, error: KafkaError, reason: &str) {
        debug!(error = &error as &dyn std::error::Error, reason, "the Kafka client tells an error");
    }
}

impl ConsumerContext for Context {}

/// With nothing fetched that waits, everything below what is fetched next was taken, also what is no record: a transaction's ends.
fn read_up_to(partition: &Partition) -> Option<u64> {
    if partition.fetchq_cnt == 0 { offset(partition.next_offset) } else { offset(partition.app_offset) }
}

/// The client writes negative numbers for what it does not know.
fn offset(offset: i64) -> Option<u64> {
    u64::try_from(offset).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use prometheus::core::Collector;
    use rdkafka::statistics::{Broker, Topic};

    use super::*;

    fn partition(fetched: i64, next: i64, taken: i64) -> Partition {
        Partition { fetchq_cnt: fetched, next_offset: next, app_offset: taken, ..Partition::default() }
    }

    #[test]
    fn what_was_fetched_counts_once_it_was_taken() {
        assert_eq!(read_up_to(&partition(3, 10, 7)), Some(7));
        assert_eq!(read_up_to(&partition(0, 10, 7)), Some(10));
        assert_eq!(read_up_to(&partition(3, 10, -1001)), None);
        assert_eq!(read_up_to(&partition(0, -1001, -1001)), None);
    }
    #[test]
    fn tells_lag_and_progress_of_the_streams_topics_only() {
        let lag = IntGaugeVec::new(prometheus::Opts::new("lag", "lag"), &["topic", "partition"]).unwrap();
        let (context, told) = Context::new(vec!["events".into()], lag.clone());
        let read = Partition { partition: 0, hi_offset: 12, fetch_state: "none".to_owned(), ..partition(3, 10, 7) };
        let unread = Partition { partition: 1, hi_offset: -1001, ..partition(0, -1001, -1001) };
        let topic = |name: &str, partitions: &[&Partition]| {
            let partitions = partitions.iter().map(|partition| (partition.partition, (*partition).clone())).collect();
            (name.to_owned(), Topic { topic: name.to_owned(), partitions, ..Topic::default() })
        };
        let topics = HashMap::from([topic("events", &[&read, &unread]), topic("other", &[&read])]);
        context.stats(Statistics { topics, ..Statistics::default() });
        let progress = Progress::from([(("events".to_owned(), 0), Reading { up_to: 7, stopped: true })]);
        assert_eq!(*told.borrow(), Told { progress, brokers: 0 });
        assert_eq!((lag.with_label_values(&["events", "0"]).get(), lag.collect()[0].get_metric().len()), (5, 1));
    }

    #[test]
    fn tells_how_many_brokers_could_be_asked() {
        let lag = IntGaugeVec::new(prometheus::Opts::new("lag", "lag"), &["topic", "partition"]).unwrap();
        let (context, told) = Context::new(vec![], lag);
        let broker = Broker { source: "learned".to_owned(), ..Broker::default() };
        context.stats(Statistics { brokers: [("one".to_owned(), broker)].into(), ..Statistics::default() });
        assert_eq!(told.borrow().brokers, 1);
        context.stats(Statistics::default());
        assert_eq!(told.borrow().brokers, 0);
    }
}
