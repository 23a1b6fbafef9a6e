//! Waiting for something to become true.

use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(200);

/// Tries until `attempt` gives a value; an `Err` says what is still missing.
///
/// # Panics
/// When that takes longer than `limit`, with the last thing that was missing.
pub async fn eventually<T, A>(what: &str, limit: Duration, mut attempt: A) -> T
where
    A: AsyncFnMut() -> Result<T, String>,
{
    let begin = Instant::now();
    loop {
        // An attempt that hangs must not outlive the limit by much.
        let missing = match tokio::time::timeout(limit.max(Duration::from_secs(10)), attempt()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(missing)) => missing,
            Err(_) => "the attempt did not end".to_owned(),
        };
        let elapsed = begin.elapsed();
        assert!(elapsed < limit, "{what}: not within {:.0} s; last: {missing}", limit.as_secs_f64());
        tokio::time::sleep(INTERVAL).await;
    }
}
