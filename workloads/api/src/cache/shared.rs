//! What all instances know of the list, in Redis.

use std::time::{Duration, Instant};

use bytes::Bytes;
use realtime_chassis::redis::Connection;
use redis::{AsyncCommands, Cmd, ExistenceCheck, FromRedisValue, SetExpiry, SetOptions};
use thiserror::Error;
use tokio::time::timeout;
use tracing::debug;

use super::{Key, Page};
use crate::{cursor::PageCursor, metrics::Metrics};

/// Redis helps only if it is quick.
const LIMIT: Duration = Duration::from_millis(300);
/// How long nobody else reads a page that an instance reads: longer than a query may take.
const LEASE: Duration = Duration::from_secs(2);
/// What the list is now: each change gives it another value. A value that stands nowhere else also tells apart what Redis says before and
/// after it lost its data.
pub(super) const GENERATION: &str = "realtime:list:generation";
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
    /// The feed in it could not be followed.
    #[error("failed to follow the feed in Redis")]
    FollowFeed,
    /// It was away before, and nothing was tried.
    #[error("failed to reach Redis, which has not come back yet")]
    AwaitRecovery,
}

/// One state of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Generation(u128);

impl Generation {
    /// One that never was.
    pub(super) fn new() -> Self {
        Self(fastrand::u128(..))
    }

    fn text(self) -> String {
        format!("{:032x}", self.0)
    }

    fn read(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(Self)
    }
}

/// The commands, over a connection that heals itself.
#[derive(Clone)]
pub(super) struct Shared {
    connection: Connection,
    metrics: Metrics,
}

impl Shared {
    pub(super) const fn new(connection: Connection, metrics: Metrics) -> Self {
        Self { connection, metrics }
    }

    /// The generation as it stands now. In a Redis without one it begins.
    pub(super) async fn generation(&self) -> Result<Generation, Error> {
        let found: Option<String> = self.run("get", &Cmd::get(GENERATION)).await?;
        if let Some(generation) = found.as_deref().and_then(Generation::read) {
            return Ok(generation);
        }
        let first = Generation::new();
        let options = SetOptions::default().conditional_set(ExistenceCheck::NX).get(true);
        let others: Option<String> = self.run("set", &Cmd::set_options(GENERATION, first.text(), options)).await?;
        match others {
            None => Ok(first),
            Some(text) => match Generation::read(&text) {
                Some(generation) => Ok(generation),
                // Somebody else's writing.
                None => self.renew().await,
            },
        }
    }

    /// Begins another generation.
    pub(super) async fn renew(&self) -> Result<Generation, Error> {
        let generation = Generation::new();
        self.run::<()>("set", &Cmd::set(GENERATION, generation.text())).await?;
        Ok(generation)
    }

    /// The generation as it stands now, and the page with how long it is kept yet, if it is there for this generation.
    pub(super) async fn read(&self, key: &Key) -> Result<(Generation, Option<(Page, Duration)>), Error> {
        let place = place(key);
        let mut asked = redis::pipe();
        asked.get(GENERATION).get(&place).pttl(&place);
        let (mut connection, began) = (self.connection.clone(), Instant::now());
        let answer = timeout(LIMIT, asked.query_async(&mut connection)).await;
        let (generation, kept, left): (Option<String>, Option<Vec<u8>>, i64) = self.answered("get", began, answer)?;
        let Some(generation) = generation.as_deref().and_then(Generation::read) else {
            return Ok((self.generation().await?, None));
        };
        let page = kept.and_then(|kept| decode(&Bytes::from(kept), generation, key));
        Ok((generation, page.map(|page| (page, Duration::from_millis(left.try_into().unwrap_or_default())))))
    }

    /// Keeps the page for so long.
    pub(super) async fn write(
        &self,
        generation: Generation,
        key: &Key,
        page: &Page,
        life: Duration,
    ) -> Result<(), Error> {
        let options = SetOptions::default().with_expiration(SetExpiry::PX(milliseconds(life)));
        self.run("set", &Cmd::set_options(place(key), encode(generation, key, page), options)).await
    }

    /// Whether it is on this instance to read the page.
    pub(super) async fn lease(&self, generation: Generation, key: &Key) -> Result<bool, Error> {
        let options = SetOptions::default()
            .conditional_set(ExistenceCheck::NX)
            .with_expiration(SetExpiry::PX(milliseconds(LEASE)));
        let set: Option<String> = self.run("set", &Cmd::set_options(lease(generation, key), "1", options)).await?;
        Ok(set.is_some())
    }

    /// Holds nobody up any longer: the page is there, or nothing came of it here.
    pub(super) async fn release(&self, generation: Generation, key: &Key) -> Result<(), Error> {
        self.run("del", &Cmd::del(lease(generation, key))).await
    }

    /// Adds one to the counter of the cache test and gives it.
    pub(super) async fn count(&self) -> Result<u64, Error> {
        let (mut connection, began) = (self.connection.clone(), Instant::now());
        let counted = timeout(LIMIT, connection.incr(CACHE_TEST, 1)).await;
        self.answered("incr", began, counted)
    }

    async fn run<T: FromRedisValue>(&self, operation: &'static str, command: &Cmd) -> Result<T, Error> {
        let (mut connection, began) = (self.connection.clone(), Instant::now());
        let answer = timeout(LIMIT, command.query_async(&mut connection)).await;
        self.answered(operation, began, answer)
    }

    /// Counts it, and tells it in the log: its name and how it went, nothing of what it carried.
    fn answered<T>(
        &self,
        operation: &'static str,
        began: Instant,
        answer: Result<redis::RedisResult<T>, tokio::time::error::Elapsed>,
    ) -> Result<T, Error> {
        let answer = match answer {
            Ok(answer) => answer.map_err(|source| Error::RunCommand { operation, source }),
            Err(_) => Err(Error::AwaitRedis { operation }),
        };
        let outcome = self.metrics.redis_operation(operation, answer.is_ok());
        let milliseconds = began.elapsed().as_secs_f64() * 1_000.0;
        debug!(operation, outcome, milliseconds, "redis operation");
        answer
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn place(key: &Key) -> String {
    format!("realtime:list:page:{}", key.slot())
}

/// It has a name of its own in each generation, so that an old one holds nobody up. It ends by itself.
fn lease(generation: Generation, key: &Key) -> String {
    format!("realtime:list:lease:{}:{}", generation.text(), key.as_str())
}

/// A line for each of generation, key and next page, then the array: who reads it sees whether it is what he looks for.
fn encode(generation: Generation, key: &Key, page: &Page) -> Vec<u8> {
    let generation = generation.text();
    let next = page.next.as_ref().map(PageCursor::to_string).unwrap_or_default();
    [generation.as_bytes(), key.as_str().as_bytes(), next.as_bytes(), &page.json].join(&b'\n')
}

/// Reads what [`encode`] wrote, if it is of this generation and under this key.
fn decode(kept: &Bytes, generation: Generation, key: &Key) -> Option<Page> {
    let mut parts = kept.splitn(4, |byte| *byte == b'\n');
    let is_it = parts.next()? == generation.text().as_bytes() && parts.next()? == key.as_str().as_bytes();
    let (next, json) = (std::str::from_utf8(parts.next()?).ok()?, parts.next()?);
    let next = Some(next).filter(|next| !next.is_empty()).map(str::parse).transpose().ok()?;
    is_it.then(|| Page { next, json: kept.slice_ref(json) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_in_its_generation_and_under_its_key_only() {
        let (generation, key) = (Generation(7), Key::of(&50).unwrap());
        let cursor: PageCursor = "1700000000000.125-0192d3a4-0000-7000-8000-000000000001".parse().unwrap();
        for next in [None, Some(cursor)] {
            let page = Page { next, json: Bytes::from_static(b"[{\"message\":\"a\\nb\"}]") };
            let kept = Bytes::from(encode(generation, &key, &page));
            assert_eq!(decode(&kept, generation, &key), Some(page));
            assert_eq!(decode(&kept, Generation(8), &key), None);
            assert_eq!(decode(&kept, generation, &Key::of(&51).unwrap()), None);
        }
        assert_eq!(decode(&Bytes::from_static(b"something else"), generation, &key), None);
    }

    #[test]
    fn a_generation_is_read_as_it_was_written() {
        let generation = Generation::new();
        assert_eq!(Generation::read(&generation.text()), Some(generation));
        assert_eq!(Generation::read("none"), None);
    }
}
