//! Waiting for something that another program does.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const INTERVAL: Duration = Duration::from_millis(100);

/// Asks again and again until there is an answer or the time is over. `what` names the thing in the error.
pub(crate) fn until<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if begun.elapsed() > limit {
            bail!("{what} did not come within {} s", limit.as_secs());
        }
        thread::sleep(INTERVAL);
    }
}
