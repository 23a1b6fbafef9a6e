//! Which shards may have records: told by Postgres' notifications, with a slow poll of all shards behind it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use realtime_chassis::config::PostgresConfig;
use realtime_contract::feed::{NOTIFY_OUTBOX, OUTBOX_SHARDS};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Between two looks at all shards while notifications come, and while they do not.
const SLOW_POLL: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_secs(1);

/// Shards that wait for the relay.
#[derive(Clone, Debug, Default)]
pub(crate) struct WakeUp {
    waiting: Arc<Mutex<BTreeSet<i16>>>,
    notify: Arc<Notify>,
    listening: Arc<AtomicBool>,
}

impl WakeUp {
    /// Adds shards and wakes the relay.
    pub(crate) fn wake(&self, shards: impl IntoIterator<Item = i16>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(shards);
        self.notify.notify_one();
    }

    /// Says whether notifications come. All shards are looked at then: what was told meanwhile, or is not told any longer, is found.
    fn listening(&self, listening: bool) {
        self.listening.store(listening, Ordering::Relaxed);
        self.wake(all_shards());
    }

    /// Takes the waiting shards; all shards when none was named for a while.
    pub(crate) async fn shards(&self) -> BTreeSet<i16> {
        let named = async {
            loop {
                let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
                if !waiting.is_empty() {
                    return waiting;
                }
                self.notify.notified().await;
            }
        };
        let poll = if self.listening.load(Ordering::Relaxed) { SLOW_POLL } else { POLL };
        timeout(poll, named).await.unwrap_or_else(|_| all_shards())
    }
}

fn all_shards() -> BTreeSet<i16> {
    (0..OUTBOX_SHARDS).filter_map(|shard| i16::try_from(shard).ok()).collect()
}

/// Listens until the token is cancelled, over a connection of its own that is made again when it is lost.
pub(crate) async fn listen(config: PostgresConfig, wake_up: WakeUp, token: CancellationToken) {
    let mut warned = false;
    let listening = async {
        loop {
            if let Err(reason) = listen_once(&config, &wake_up, &mut warned).await
                && !warned
            {
                warn!(reason, "wake-ups from postgres are lost, polling until they are back");
                warned = true;
            }
            sleep(PAUSE).await;
        }
    };
    token.run_until_cancelled(listening).await;
}

async fn listen_once(config: &PostgresConfig, wake_up: &WakeUp, warned: &mut bool) -> Result<(), String> {
    let connecting = realtime_chassis::postgres::session(config, "realtime-api-relay");
    let connected = timeout(CONNECT, connecting).await.map_err(|_| "no connection in time".to_owned())?;
    let mut session = connected.map_err(|error| error.to_string())?;
    let listen = format!("LISTEN {NOTIFY_OUTBOX}");
    session.client.batch_execute(&listen).await.map_err(|error| error.to_string())?;
    *warned = false;
    wake_up.listening(true);
    while let Some(notification) = session.notifications.recv().await {
        match notification.payload().parse() {
            Ok(shard) => wake_up.wake([shard]),
            Err(_) => debug!(payload = notification.payload(), "wake-up names no shard"),
        }
    }
    wake_up.listening(false);
    Err("the connection ended".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gives_each_named_shard_once() {
        let wake_up = WakeUp::default();
        wake_up.wake([3, 1]);
        wake_up.wake([3]);
        assert_eq!(wake_up.shards().await, BTreeSet::from([1, 3]));
    }

    #[tokio::test(start_paused = true)]
    async fn gives_all_shards_when_nothing_was_named_for_a_while() {
        assert_eq!(WakeUp::default().shards().await.len(), usize::from(OUTBOX_SHARDS));
    }

    #[tokio::test(start_paused = true)]
    async fn polls_less_often_while_notifications_come() {
        let wake_up = WakeUp::default();
        for (listening, poll) in [(true, SLOW_POLL), (false, POLL)] {
            wake_up.listening(listening);
            assert_eq!(wake_up.shards().await.len(), usize::from(OUTBOX_SHARDS), "at once");
            let started = tokio::time::Instant::now();
            wake_up.shards().await;
            assert!((poll..poll * 2).contains(&started.elapsed()), "{:?}", started.elapsed());
        }
    }
}
