//! One line per step: what is done, how long it has taken and how long it usually takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cache::{self, Cache};

/// How often a long step says that it still goes on.
const REMINDER: Duration = Duration::from_secs(15);

/// Shorter runs found their work done and say nothing about how long the work takes.
const WORTH_KEEPING: Duration = Duration::from_secs(2);

/// Prints the steps of one run and remembers their durations for the next.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    durations: PathBuf,
}

impl Progress {
    /// Starts the clock of this run.
    pub(crate) fn new(cache: &Cache) -> Self {
        Self { started: Instant::now(), durations: cache.root().join("durations.json") }
    }

    /// Time since the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Does one step. `first_estimate` is what it takes on two cores with nothing cached.
    pub(crate) fn step<T>(&self, name: &str, first_estimate: Duration, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let usual = self.remembered().get(name).map_or(first_estimate, |seconds| Duration::from_secs_f64(*seconds));
        self.line(&format!("{name} (usually {})", words(usual)));
        let begun = Instant::now();
        let result = self.remind(name, usual, work);
        let took = begun.elapsed();
        match &result {
            Ok(_) => {
                self.line(&format!("{name}: done in {}", words(took)));
                self.remember(name, took)?;
            }
            Err(_) => self.line(&format!("{name}: FAILED after {}", words(took))),
        }
        result.with_context(|| format!("failed to {name}"))
    }

    /// Prints a line with the time since the run began.
    pub(crate) fn line(&self, text: &str) {
        let seconds = self.elapsed().as_secs();
        eprintln!("[{:3}:{:02}] {text}", seconds / 60, seconds % 60);
    }

    fn remind<T>(&self, name: &str, usual: Duration, work: impl FnOnce() -> T) -> T {
        let (done, wait) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                let begun = Instant::now();
                while wait.recv_timeout(REMINDER) == Err(RecvTimeoutError::Timeout) {
                    let took = words(begun.elapsed());
                    self.line(&format!("{name}: {took} so far, usually {}", words(usual)));
                }
            });
            let result = work();
            drop(done);
            result
        })
    }

    fn remembered(&self) -> BTreeMap<String, f64> {
        fs::read(&self.durations).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    fn remember(&self, name: &str, took: Duration) -> Result<()> {
        if took < WORTH_KEEPING {
            return Ok(());
        }
        let mut durations = self.remembered();
        durations.insert(name.to_owned(), took.as_secs_f64());
        let text = serde_json::to_string_pretty(&durations).context("failed to encode the durations")?;
        cache::write(&self.durations, &text)
    }
}

/// A duration as people say it.
pub(crate) fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "under a second".to_owned(),
        1..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_minutes_only_above_one() {
        assert_eq!(words(Duration::from_millis(40)), "under a second");
        assert_eq!(words(Duration::from_secs(59)), "59 s");
        assert_eq!(words(Duration::from_secs(350)), "5 min 50 s");
    }
}
