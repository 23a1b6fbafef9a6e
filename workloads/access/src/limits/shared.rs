//! The buckets that all instances share, in Redis.

use std::{
    error::Error as StdError,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use realtime_chassis::redis::Connection;
use redis::{RedisError, Script, ScriptInvocation};
use thiserror::Error;
use tokio::time::timeout;
use tracing::{info, warn};

use super::{Asked, TooMany};

/// How long a request waits for Redis.
const PATIENCE: Duration = Duration::from_millis(250);
/// After a failure Redis is not asked for so long, and then by one request first.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes from all buckets or from none, by the clock of Redis, so that those of the instances need not agree. A bucket is when it will be full
/// again, in microseconds, and gone from then on. Keys: the buckets. Arguments, for each: the microseconds in which it gets one more, what
/// it holds, the cost. Returns the number of the bucket that has not enough, 0 for none, and after how many microseconds it has.
const TAKE: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local taken = {}
    for index, key in ipairs(KEYS) do
        local interval, burst = tonumber(ARGV[3 * index - 2]), tonumber(ARGV[3 * index - 1])
        local cost = tonumber(ARGV[3 * index])
        local full = math.max(tonumber(redis.call('GET', key) or 0), now)
        local missing = full - now + math.min(cost, burst) * interval - burst * interval
        if missing > 0 then return {index, missing} end
        taken[index] = full + cost * interval
    end
    for index, key in ipairs(KEYS) do
        redis.call('SET', key, string.format('%.0f', taken[index]), 'PX', math.ceil((taken[index] - now) / 1000))
    end
    return {0, 0}";

/// Asks Redis, unless it was just away.
pub(super) struct Shared {
    redis: Connection,
    /// Redis keeps it, and is told its name alone. One that has forgotten it is told it anew.
    script: Script,
    is_away: AtomicBool,
    /// Microseconds since the start before which it is not asked again.
    silent_until: AtomicU64,
}

#[derive(Debug, Error)]
pub(super) enum Error {
    #[error("failed to have an answer of Redis within {} ms", PATIENCE.as_millis())]
    Slow,
    #[error("failed to take from buckets in Redis")]
    Take(#[source] RedisError),
}

impl Shared {
    pub(super) fn new(redis: Connection) -> Self {
        Self { redis, script: Script::new(TAKE), is_away: AtomicBool::new(false), silent_until: AtomicU64::new(0) }
    }

    /// What Redis says, or `None` while it is away. `now` is since the start.
    pub(super) async fn take(&self, asked: &[Asked], now: Duration) -> Option<Result<(), TooMany>> {
        if !self.may_ask(now) {
            return None;
        }
        let answer = self.ask(asked).await;
        self.tell(answer.as_ref().err(), now);
        let (index, wait) = answer.ok()?;
        // One that Redis does not name is none of ours.
        let refused = index.checked_sub(1).and_then(|index| asked.get(index));
        Some(
            refused
                .map_or(Ok(()), |asked| Err(TooMany { limit: asked.limit, retry_after: Duration::from_micros(wait) })),
        )
    }

    /// After a pause only the first who comes asks, and the others go on without until it has its answer.
    fn may_ask(&self, now: Duration) -> bool {
        if !self.is_away.load(Ordering::Relaxed) {
            return true;
        }
        let now_micros = micros(now);
        let until = self.silent_until.load(Ordering::Relaxed);
        let next = micros(now + PAUSE);
        now_micros >= until
            && self.silent_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    async fn ask(&self, asked: &[Asked]) -> Result<(usize, u64), Error> {
        let invocation = self.invocation(asked);
        let mut redis = self.redis.clone();
        let answer = timeout(PATIENCE, invocation.invoke_async(&mut redis)).await;
        answer.map_err(|_| Error::Slow)?.map_err(Error::Take)
    }

    fn invocation(&self, asked: &[Asked]) -> ScriptInvocation<'_> {
        let mut invocation = self.script.prepare_invoke();
        for asked in asked {
            invocation.key(&asked.name).arg(asked.rate.interval).arg(asked.rate.burst).arg(asked.cost);
        }
        invocation
    }

    /// An outage is told at its beginning and at its end.
    pub(super) fn tell(&self, error: Option<&Error>, now: Duration) {
        match error {
            Some(error) => {
                self.silent_until.store(micros(now + PAUSE), Ordering::Relaxed);
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    let error = error as &dyn StdError;
                    warn!(error, "limits are kept by each instance alone: Redis does not keep them");
                }
            }
            None if self.is_away.swap(false, Ordering::Relaxed) => info!("limits are kept in Redis again"),
            None => {}
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(super) const fn failure() -> Error {
    Error::Slow
}
