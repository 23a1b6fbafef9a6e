//! How another Kafka client takes over, and which partitions it reads from where.

use std::{sync::Arc, time::Duration};

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer};
use realtime_chassis::kafka::aside::{self, within};
use tokio::time::Instant;
use tracing::warn;

use super::{Error, Follower, client::consumer, watch::Stall};

/// For a call that asks no broker.
const CALL: Duration = Duration::from_secs(5);

impl Follower {
    /// The client does not follow: another one goes on where the course is. Nothing is lost by that, and nothing comes twice.
    pub(super) async fn replace(&mut self, stall: Stall) {
        self.measures.clients_given_up.with_label_values(&[stall.cause()]).inc();
        let error = Error::Follow(stall);
        warn!(error = &error as &dyn std::error::Error, "another Kafka client takes over");
        self.watch.give_up(Instant::now());
        // What is asked by the old client may never be answered.
        self.question = None;
        if let Err(error) = self.renew().await {
            self.fail_to_ask(&error);
        }
        (self.wanted, self.overtaken) = (true, true);
    }

    /// What a client knows may be wrong for good. Of a topic that was created anew it takes the epochs of the leaders for older than those that it
    /// has seen, and would never read it; and what it has fetched of the old one must not pass for the new one's.
    pub(super) async fn renew(&mut self) -> Result<(), Error> {
        let (config, names, lag) = (self.config.clone(), self.course.lanes.names(), self.measures.lag.clone());
        let mut begun = aside::call(move || consumer(&config, names, &lag));
        let (consumer, told) = within(CALL, &mut begun).await.map_err(Error::AwaitClient)??;
        (self.consumer, self.told) = (Arc::new(consumer), told);
        self.assign().await
    }

    pub(super) async fn assign(&mut self) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        for (topic, partition, next) in self.course.positions() {
            let offset = Offset::Offset(i64::try_from(next).unwrap_or(i64::MAX));
            list.add_partition_offset(topic, partition, offset).map_err(Error::AssignPartitions)?;
        }
        let consumer = self.consumer.clone();
        // The client's main thread has to take it over.
        let mut assigned = aside::call(move || consumer.assign(&list));
        within(CALL, &mut assigned).await.map_err(Error::AwaitClient)?.map_err(Error::AssignPartitions)
    }
}
