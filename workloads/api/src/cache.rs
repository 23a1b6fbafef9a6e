//! The list of notifications in Redis. It is a cache: whatever fails here, Postgres answers.

use std::time::Duration;

use realtime_chassis::redis::Connection;
use redis::{AsyncCommands, FromRedisValue, RedisResult};
use thiserror::Error;
use tokio::time::timeout;

use crate::metrics::Metrics;

/// Redis helps only if it is quick.
const LIMIT: Duration = Duration::from_millis(300);
/// Bounds how long a list could be wrong if an invalidation got lost.
const SECONDS: u64 = 60;
/// Rises with every change of the list. Its value is part of a list's key, so that a list that was read before a change, and is written
/// after it, is written where nobody looks.
const GENERATION: &str = "realtime:notifications:generation";
const CACHE_TEST: &str = "realtime:cache-test";

/// What Redis could not do.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// It refused, or is away.
    #[error("failed to run {operation} in Redis")]
    RunCommand { operation: &'static str, source: redis::RedisError },
    /// It took too long.
    #[error("failed to run {operation} in Redis within {} ms", LIMIT.as_millis())]
    AwaitRedis { operation: &'static str },
}

/// The cache, over a connection that heals itself.
#[derive(Clone)]
pub(crate) struct Cache {
    connection: Connection,
    metrics: Metrics,
}

/// Where a list stands, or would stand, in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    key: String,
}

impl Slot {
    fn new(generation: u64, limit: i64) -> Self {
        Self { key: format!("realtime:notifications:page:{generation}:{limit}") }
    }
}

impl Cache {
    pub(crate) const fn new(connection: Connection, metrics: Metrics) -> Self {
        Self { connection, metrics }
    }

    /// The slot of the newest `limit` notifications as the list stands now.
    pub(crate) async fn slot(&self, limit: i64) -> Result<Slot, Error> {
        let mut connection = self.connection.clone();
        let generation: Option<u64> = self.run("get", connection.get(GENERATION)).await?;
        Ok(Slot::new(generation.unwrap_or_default(), limit))
    }

    /// What stands in the slot.
    pub(crate) async fn read(&self, slot: &Slot) -> Result<Option<String>, Error> {
        let mut connection = self.connection.clone();
        self.run("get", connection.get(&slot.key)).await
    }

    /// Fills the slot.
    pub(crate) async fn write(&self, slot: &Slot, list: &str) -> Result<(), Error> {
        let mut connection = self.connection.clone();
        self.run("set", connection.set_ex(&slot.key, list, SECONDS)).await
    }

    /// Makes every cached list a thing of the past.
    pub(crate) async fn clear(&self) -> Result<(), Error> {
        let mut connection = self.connection.clone();
        self.run::<u64>("incr", connection.incr(GENERATION, 1)).await.map(drop)
    }

    /// Adds one to the counter of the cache test and gives it.
    pub(crate) async fn count(&self) -> Result<u64, Error> {
        let mut connection = self.connection.clone();
        self.run("incr", connection.incr(CACHE_TEST, 1)).await
    }

    async fn run<T: FromRedisValue>(
        &self,
        operation: &'static str,
        command: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Error> {
        let answer = match timeout(LIMIT, command).await {
            Ok(answer) => answer.map_err(|source| Error::RunCommand { operation, source }),
            Err(_) => Err(Error::AwaitRedis { operation }),
        };
        self.metrics.redis_operation(operation, answer.is_ok());
        answer
    }
}
