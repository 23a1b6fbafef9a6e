//! The keys at an address, read again and again by one task. The last good set stays.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    KeySet,
    fetch::{Error, Fetcher},
};
use crate::measures::Measures;

/// Between two readings because of a token whose key is not known, and after one that failed.
const SHORTEST: Duration = Duration::from_secs(10);
/// How long a client waits for a reading: as long as one may take, and what is left of one before.
const PATIENCE: Duration = Duration::from_secs(6);

/// What is known of the keys.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) keys: Arc<KeySet>,
    /// When the last reading of the address began that succeeded: these are the keys that stood there then, or later.
    pub(crate) since: Option<Instant>,
    /// When it was last tried.
    tried: Option<Instant>,
}

/// The keys at an address, together with those that are always there. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    known: watch::Receiver<Known>,
    wanted: Arc<Notify>,
}

/// The task's part.
struct Reader {
    fetcher: Fetcher,
    own: KeySet,
    every: Duration,
    known: watch::Sender<Known>,
    wanted: Arc<Notify>,
    is_away: bool,
    measures: Measures,
}

impl Remote {
    /// Begins to read, until the token is cancelled. `own` keys are always there.
    pub(crate) fn start(
        address: &str,
        every: Duration,
        own: KeySet,
        measures: Measures,
        token: CancellationToken,
    ) -> Result<Self, Error> {
        let fetcher = Fetcher::new(address)?;
        let (sender, known) = watch::channel(Known { keys: Arc::new(own.clone()), since: None, tried: None });
        let wanted = Arc::new(Notify::new());
        let reader = Reader { fetcher, own, every, known: sender, wanted: wanted.clone(), is_away: false, measures };
        tokio::spawn(async move { token.run_until_cancelled(reader.run()).await });
        Ok(Self { known, wanted })
    }

    pub(crate) fn known(&self) -> Known {
        self.known.borrow().clone()
    }

    /// Has the keys read soon, unless that was just done.
    pub(crate) fn want(&self) {
        if is_due(self.known.borrow().tried, Instant::now()) {
            self.wanted.notify_one();
        }
    }

    /// Has the keys read, unless that was just done, and waits for it. Whether they were.
    pub(crate) async fn read_again(&self) -> bool {
        let mut known = self.known.clone();
        if !is_due(known.borrow_and_update().tried, Instant::now()) {
            return false;
        }
        self.wanted.notify_one();
        matches!(timeout(PATIENCE, known.changed()).await, Ok(Ok(())))
    }
}

fn is_due(tried: Option<Instant>, now: Instant) -> bool {
    tried.is_none_or(|tried| now.saturating_duration_since(tried) >= SHORTEST)
}

impl Reader {
    async fn run(mut self) {
        loop {
            self.read().await;
            let pause = if self.is_away { self.every.min(SHORTEST) } else { self.every };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.until_due() => {}
            }
        }
    }

    /// Until somebody wants the keys read who may.
    async fn until_due(&self) {
        loop {
            self.wanted.notified().await;
            if is_due(self.known.borrow().tried, Instant::now()) {
                return;
            }
        }
    }

    async fn read(&mut self) {
        let began = Instant::now();
        let outcome = self.fetcher.fetch().await;
        let address = self.fetcher.address().to_string();
        match &outcome {
            Ok(set) if self.is_away || self.known.borrow().since.is_none() => {
                info!(address, keys = set.len(), "keys of tokens read");
            }
            Err(error) if !self.is_away => {
                let error = error as &dyn StdError;
                warn!(address, error, "keys of tokens cannot be read: those that were read last count until they can");
            }
            _ => {}
        }
        self.is_away = outcome.is_err();
        self.measures.keys_read(outcome.is_ok());
        self.known.send_modify(|known| {
            known.tried = Some(Instant::now());
            if let Ok(set) = outcome {
                known.since = Some(began);
                known.keys = Arc::new(self.own.with(&set));
            }
        });
    }
}

#[cfg(test)]
mod tests;
