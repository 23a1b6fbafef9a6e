//! Writes sessions to Redis, each as it is now.

use std::time::Duration;

use realtime_chassis::redis::Connection;
use redis::{Pipeline, RedisResult};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    LIFE, Record, key,
    waiting::{Change, Entry, Waiting},
};
use crate::metrics::Metrics;

/// How long a pipeline may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Before a pipeline that failed is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// Renews what stands there like this, or not at all. Keys: the session's. Arguments: the record, the life in seconds.
const RENEW: &str = "
    local kept = redis.call('GET', KEYS[1])
    if kept and kept ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
    return 1";

/// The task.
pub(super) struct Writer {
    connection: Connection,
    metrics: Metrics,
    waiting: Waiting,
    failing: bool,
}

impl Writer {
    pub(super) fn new(connection: Connection, metrics: Metrics) -> Self {
        Self { connection, metrics, waiting: Waiting::default(), failing: false }
    }

    /// Writes until the token is cancelled, and then once more.
    pub(super) async fn run(mut self, mut changes: Receiver<Change>, token: CancellationToken) {
        let mut again = Instant::now();
        loop {
            let change = tokio::select! {
                () = token.cancelled() => break,
                () = sleep_until(again), if !self.waiting.is_empty() => None,
                change = changes.recv() => match change {
                    Some(change) => Some(change),
                    None => break,
                },
            };
            self.take(change, &mut changes);
            if Instant::now() >= again && !self.write().await {
                again = Instant::now() + PAUSE;
            }
        }
        self.take(None, &mut changes);
        self.write().await;
    }

    /// Takes what is at hand.
    fn take(&mut self, first: Option<Change>, changes: &mut Receiver<Change>) {
        let mut next = first.or_else(|| changes.try_recv().ok());
        while let Some(change) = next {
            if !self.waiting.put(change) {
                self.metrics.sessions_unwritten.inc();
            }
            next = changes.try_recv().ok();
        }
    }

    /// Writes what waits; false when Redis did not take it.
    async fn write(&mut self) -> bool {
        while !self.waiting.is_empty() {
            let batch = self.waiting.batch();
            let outcome = timeout(LIMIT, send(&mut self.connection, &batch)).await;
            let written = matches!(outcome, Ok(Ok(())));
            self.metrics.redis_operation("set_session", written);
            if !written {
                let left_out = self.waiting.put_back(batch);
                self.metrics.sessions_unwritten.inc_by(left_out);
            }
            self.tell(written);
            if !written {
                return false;
            }
        }
        true
    }

    /// An outage is logged once.
    fn tell(&mut self, written: bool) {
        if written && self.failing {
            info!("sessions are written to Redis again");
        } else if !written && !self.failing {
            warn!("sessions cannot be written to Redis, clients that are cut off may find theirs no longer");
        }
        self.failing = !written;
    }
}

async fn send(connection: &mut Connection, batch: &[(Box<str>, Entry)]) -> RedisResult<()> {
    let mut pipeline = Pipeline::with_capacity(batch.len());
    for (name, entry) in batch {
        add(&mut pipeline, &key(name), entry);
    }
    pipeline.query_async(connection).await
}

fn add(pipeline: &mut Pipeline, key: &str, entry: &Entry) {
    let life = LIFE.as_secs();
    match entry {
        Entry::Write(record) => pipeline.cmd("SET").arg(key).arg(text(record)).arg("EX").arg(life).ignore(),
        Entry::Renew(record) => pipeline.cmd("EVAL").arg(RENEW).arg(1).arg(key).arg(text(record)).arg(life).ignore(),
        Entry::Delete => pipeline.cmd("DEL").arg(key).ignore(),
    };
}

fn text(record: &Record) -> String {
    serde_json::to_string(record).expect("a record has texts alone")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fake_redis::{FakeRedis, away},
        socketio::channels::Channels,
    };

    fn record(id: &str) -> Record {
        Record { id: id.into(), channels: Channels::All, user: None }
    }

    #[tokio::test]
    async fn a_renewal_brings_back_what_is_lost_and_replaces_nothing() {
        let redis = FakeRedis::start().await;
        let mut connection = redis.connection();
        let renewal = |id| [(Box::from("s"), Entry::Renew(record(id)))];
        for id in ["mine", "of another instance", "mine"] {
            send(&mut connection, &renewal(id)).await.unwrap();
            assert_eq!(redis.kept.lock().unwrap().texts[&key("s")], text(&record("mine")));
        }
        send(&mut connection, &[("s".into(), Entry::Write(record("changed")))]).await.unwrap();
        assert_eq!(redis.kept.lock().unwrap().texts[&key("s")], text(&record("changed")));
    }

    #[tokio::test]
    async fn what_redis_did_not_take_is_written_when_it_is_back() {
        let metrics = Metrics::new(prometheus::Registry::new()).unwrap();
        let mut writer = Writer::new(away(), metrics.clone());
        writer.waiting.put(Change::Write("s".into(), record("a")));
        writer.waiting.put(Change::Renew("r".into(), record("a")));
        assert!(!writer.write().await);
        assert_eq!(metrics.sessions_unwritten.get(), 1);
        let redis = FakeRedis::start().await;
        writer.connection = redis.connection();
        assert!(writer.write().await);
        assert_eq!(redis.kept.lock().unwrap().texts.keys().collect::<Vec<_>>(), [&key("s")]);
    }
}
