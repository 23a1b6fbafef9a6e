//! What every command has: the cache, and a voice.

use anyhow::Result;

use crate::cache::Cache;
use crate::progress::Progress;

/// One run of this program.
#[derive(Debug)]
pub(crate) struct Session {
    /// What outlives the run.
    pub(crate) cache: Cache,
    /// Says what is being done.
    pub(crate) progress: Progress,
}

impl Session {
    /// Opens the cache and starts the clock.
    pub(crate) fn open() -> Result<Self> {
        let cache = Cache::open()?;
        let progress = Progress::new(&cache);
        Ok(Self { cache, progress })
    }
}
