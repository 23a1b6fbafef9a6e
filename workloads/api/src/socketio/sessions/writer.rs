//! Writes sessions to Redis, each as it is now.

use std::{collections::HashMap, time::Duration};

use realtime_chassis::redis::Connection;
use redis::{Pipeline, RedisResult};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{LIFE, Record, key};
use crate::metrics::Metrics;

/// Commands of one pipeline.
const BATCH: usize = 512;
/// How long a pipeline may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Before a pipeline that failed is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// Sessions that may wait while Redis is away.
const WAITING: usize = 64 * 1024;

/// Renews what stands there like this, or not at all. Keys: the session's. Arguments: the record, the life in seconds.
const RENEW: &str = "
    local kept = redis.call('GET', KEYS[1])
    if kept and kept ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
    return 1";

/// What happened to a session, by its name.
#[derive(Debug)]
pub(super) enum Change {
    Write(Box<str>, Record),
    Renew(Box<str>, Record),
    Delete(Box<str>),
}

/// How a session is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// Whatever stands there.
    Write(Record),
    /// Only if it stands there like this, or not at all: another instance may have it by now, and know more.
    Renew(Record),
    Delete,
}

/// The task.
pub(super) struct Writer {
    connection: Connection,
    metrics: Metrics,
    waiting: Waiting,
    failing: bool,
}

/// What is not written yet, one entry a session.
#[derive(Debug, Default)]
struct Waiting(HashMap<Box<str>, Entry>);

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
                () = sleep_until(again), if !self.waiting.0.is_empty() => None,
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
        while !self.waiting.0.is_empty() {
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

impl Waiting {
    /// Whether there was room for it.
    fn put(&mut self, change: Change) -> bool {
        let (name, entry) = match change {
            Change::Write(name, record) => (name, Entry::Write(record)),
            Change::Renew(name, record) => (name, Entry::Renew(record)),
            Change::Delete(name) => (name, Entry::Delete),
        };
        if self.0.len() >= WAITING && !self.0.contains_key(&name) {
            return false;
        }
        // What is newer replaces what waits, but a renewal says nothing about what is to be written or deleted.
        let is_renewal = matches!(entry, Entry::Renew(_));
        if !is_renewal || !self.0.contains_key(&name) {
            self.0.insert(name, entry);
        }
        true
    }

    /// Some of it, taken out.
    fn batch(&mut self) -> Vec<(Box<str>, Entry)> {
        let names: Vec<Box<str>> = self.0.keys().take(BATCH).cloned().collect();
        names.into_iter().filter_map(|name| self.0.remove_entry(&name)).collect()
    }

    /// What was not written waits on, but for renewals, which come again; says how many they are.
    fn put_back(&mut self, batch: Vec<(Box<str>, Entry)>) -> u64 {
        let (renewals, others): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|(_, entry)| matches!(entry, Entry::Renew(_)));
        self.0.extend(others);
        renewals.len() as u64
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
        Record { id: id.into(), channels: Channels::All }
    }

    fn written(waiting: &mut Waiting) -> Vec<Entry> {
        waiting.batch().into_iter().map(|(_, entry)| entry).collect()
    }

    #[test]
    fn a_session_is_written_once_as_it_is_now() {
        let mut waiting = Waiting::default();
        for change in [
            Change::Write("s".into(), record("a")),
            Change::Write("s".into(), record("b")),
            Change::Renew("s".into(), record("b")),
        ] {
            assert!(waiting.put(change));
        }
        assert_eq!(written(&mut waiting), [Entry::Write(record("b"))]);
        assert!(waiting.0.is_empty());
    }

    #[test]
    fn a_session_that_ended_is_not_kept() {
        let mut waiting = Waiting::default();
        waiting.put(Change::Write("s".into(), record("a")));
        waiting.put(Change::Delete("s".into()));
        waiting.put(Change::Renew("s".into(), record("a")));
        assert_eq!(written(&mut waiting), [Entry::Delete]);
    }

    #[test]
    fn after_a_failure_changes_wait_and_renewals_do_not() {
        let mut waiting = Waiting::default();
        waiting.put(Change::Write("written".into(), record("a")));
        waiting.put(Change::Renew("renewed".into(), record("b")));
        waiting.put(Change::Delete("deleted".into()));
        let batch = waiting.batch();
        assert_eq!(waiting.put_back(batch), 1);
        let mut names: Vec<&str> = waiting.0.keys().map(AsRef::as_ref).collect();
        names.sort_unstable();
        assert_eq!(names, ["deleted", "written"]);
    }

    #[test]
    fn what_waits_is_bounded_and_a_session_that_waits_can_still_change() {
        let mut waiting = Waiting::default();
        for number in 0..WAITING {
            assert!(waiting.put(Change::Write(number.to_string().into(), record("a"))));
        }
        assert!(!waiting.put(Change::Write("more".into(), record("a"))));
        assert!(waiting.put(Change::Delete("0".into())));
        assert_eq!(waiting.batch().len(), BATCH);
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
