//! Which shards may have records: told by Postgres' notifications, with a slow poll of all shards behind it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use realtime_chassis::config::PostgresConfig;
use realtime_contract::feed::{NOTIFY_OUTBOX, OUTBOX_SHARDS};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Between two looks at all shards while notifications come, and while they do not.
const SLOW_POLL: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_secs(1);

/// Until shards that another relay holds are looked at again: it tells nobody when it dies.
const BUSY: Duration = Duration::from_secs(1);
/// Shards of one turn at most: half of them, so that a relay that always has work leaves some to the others.
const TURN: usize = OUTBOX_SHARDS as usize / 2;

/// Shards that wait for the relay.
#[derive(Clone, Debug, Default)]
pub(crate) struct WakeUp {
    waiting: Arc<Mutex<Waiting>>,
    notify: Arc<Notify>,
    listening: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Waiting {
    shards: BTreeSet<i16>,
    /// Shards that another relay holds, and when they are looked at again.
    busy: BTreeSet<i16>,
    due: Option<Instant>,
    /// When all shards are looked at again, whatever else waits. It is kept from turn to turn: those that are named all the time may not put it off.
    poll: Option<Instant>,
    /// Where the next turn begins, so that no shard waits for others for ever.
    from: i16,
}

impl Waiting {
    /// Takes the shards of a turn; none when none waits.
    fn take(&mut self, now: Instant, period: Duration) -> BTreeSet<i16> {
        // Notifications may have come back or ended since: the shorter period counts.
        let poll = self.poll.map_or(now + period, |poll| poll.min(now + period));
        self.poll = Some(poll);
        if poll <= now {
            self.poll = Some(now + period);
            self.shards.extend(all_shards());
        }
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            self.shards.append(&mut self.busy);
        }
        let round = self.shards.range(self.from..).chain(self.shards.range(..self.from));
        let taken: Vec<i16> = round.take(TURN).copied().collect();
        self.from = taken.last().map_or(0, |last| last + 1);
        self.shards.retain(|shard| !taken.contains(shard));
        taken.into_iter().collect()
    }

    /// When shards wait again that nobody names.
    fn until(&self) -> Option<Instant> {
        self.poll.into_iter().chain(self.due).min()
    }
}

impl WakeUp {
    /// Adds shards and wakes the relay.
    pub(crate) fn wake(&self, shards: impl IntoIterator<Item = i16>) {
        self.waiting().shards.extend(shards);
        self.notify.notify_one();
    }

    /// Notes shards that another relay holds.
    pub(crate) fn busy(&self, shards: BTreeSet<i16>) {
        if !shards.is_empty() {
            let mut waiting = self.waiting();
            waiting.due.get_or_insert_with(|| Instant::now() + BUSY);
            waiting.busy.extend(shards);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether notifications come. All shards are looked at then: what was told meanwhile, or is not told any longer, is found.
    fn listening(&self, listening: bool) {
        self.listening.store(listening, Ordering::Relaxed);
        self.wake(all_shards());
    }

    /// Takes waiting shards, half of all at most; when none was named for a while, all shards wait.
    pub(crate) async fn shards(&self) -> BTreeSet<i16> {
        loop {
            let period = if self.listening.load(Ordering::Relaxed) { SLOW_POLL } else { POLL };
            let (taken, until) = {
                let mut waiting = self.waiting();
                let now = Instant::now();
                (waiting.take(now, period), waiting.until().unwrap_or(now + period))
            };
            if !taken.is_empty() {
                return taken;
            }
            // Looked at anew, whatever ended the wait.
            drop(timeout_at(until, self.notify.notified()).await);
        }
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

    /// What two turns take, which is all that waits.
    async fn two_turns(wake_up: &WakeUp) -> usize {
        wake_up.shards().await.len() + wake_up.shards().await.len()
    }

    #[tokio::test(start_paused = true)]
    async fn gives_all_shards_when_nothing_was_named_for_a_while() {
        assert_eq!(two_turns(&WakeUp::default()).await, usize::from(OUTBOX_SHARDS));
    }

    #[tokio::test(start_paused = true)]
    async fn polls_less_often_while_notifications_come() {
        let wake_up = WakeUp::default();
        for (listening, poll) in [(true, SLOW_POLL), (false, POLL)] {
            wake_up.listening(listening);
            let started = Instant::now();
            assert_eq!(two_turns(&wake_up).await, usize::from(OUTBOX_SHARDS));
            assert!(started.elapsed() < POLL, "at once");
            let started = Instant::now();
            two_turns(&wake_up).await;
            assert!((poll..poll * 2).contains(&started.elapsed()), "{:?}", started.elapsed());
        }
    }

    #[tokio::test]
    async fn a_shard_that_always_has_work_keeps_none_from_its_turn() {
        let wake_up = WakeUp::default();
        wake_up.wake(all_shards());
        let first = wake_up.shards().await;
        wake_up.wake(first.iter().copied());
        assert_eq!(first.len(), TURN);
        assert!(wake_up.shards().await.is_disjoint(&first));
        assert_eq!(wake_up.shards().await, first);
    }

    #[tokio::test(start_paused = true)]
    async fn shards_that_are_named_all_the_time_do_not_put_off_the_look_at_the_others() {
        let wake_up = WakeUp::default();
        wake_up.listening.store(true, Ordering::Relaxed);
        let started = Instant::now();
        let mut taken = BTreeSet::new();
        while taken.len() < 2 {
            wake_up.wake([3]);
            taken = wake_up.shards().await;
            tokio::time::advance(Duration::from_millis(100)).await;
            assert!(started.elapsed() < SLOW_POLL * 2, "only the named one has a turn");
        }
        assert_eq!(started.elapsed().as_secs(), SLOW_POLL.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn shards_that_another_relay_holds_are_looked_at_again_a_second_later() {
        let wake_up = WakeUp::default();
        wake_up.listening.store(true, Ordering::Relaxed);
        let started = Instant::now();
        wake_up.busy([4, 9].into());
        wake_up.wake([2]);
        assert_eq!(wake_up.shards().await, [2].into());
        assert_eq!(wake_up.shards().await, [4, 9].into());
        assert!((BUSY..SLOW_POLL).contains(&started.elapsed()), "{:?}", started.elapsed());
    }
}
