//! How long the outbox's oldest record has been waiting.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(5);
/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(3);
/// Ids are given out in about the order of time, so the first one is the oldest, and its index finds it. A record that a relay holds counts until
/// its deletion is committed.
const OLDEST: &str =
    "SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 FROM outbox ORDER BY id LIMIT 1";

/// Keeps the metric true until the token is cancelled. It is not a number while Postgres does not answer: nobody knows then.
pub(super) async fn watch(pool: Pool, metrics: Metrics, token: CancellationToken) {
    let mut looks = interval(PERIOD);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while token.run_until_cancelled(looks.tick()).await.is_some() {
        let age = timeout(LIMIT, oldest(&pool)).await.ok().flatten();
        metrics.outbox_oldest_age.set(age.unwrap_or(f64::NAN));
    }
}

/// Seconds; 0 for an empty outbox, nothing without an answer. That Postgres is away, the board of dependencies says.
async fn oldest(pool: &Pool) -> Option<f64> {
    let client = pool.get().await.ok()?;
    let statement = client.prepare_cached(OLDEST).await.ok()?;
    let row = client.query_opt(&statement, &[]).await.ok()?;
    row.map_or(Some(0.0), |row| row.try_get::<_, f64>(0).ok().map(|age| age.max(0.0)))
}
