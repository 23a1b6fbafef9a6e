//! One timer for all clients of a replica. Nothing is generated while nobody is connected.

use std::{ops::RangeInclusive, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use tokio::{sync::watch, time::sleep};

const LENGTH: usize = 10;

/// What clients get.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RandomString {
    /// 10 letters and digits.
    pub(crate) value: String,
    /// Milliseconds since 1970.
    timestamp: i64,
}

impl RandomString {
    fn new() -> Self {
        let value = std::iter::repeat_with(fastrand::alphanumeric).take(LENGTH).collect();
        Self { value, timestamp: Timestamp::now().as_millisecond() }
    }
}

/// Gives `send` a random string and the number of clients, with delays by chance in between, as long as `clients` are there.
pub(crate) async fn run(
    mut clients: watch::Receiver<usize>,
    delays: RangeInclusive<Duration>,
    mut send: impl FnMut(&RandomString, usize),
) {
    loop {
        if clients.wait_for(|count| *count > 0).await.is_err() {
            return;
        }
        let waited = tokio::select! {
            () = sleep(by_chance(&delays)) => Ok(()),
            nobody = clients.wait_for(|count| *count == 0) => nobody.map(drop),
        };
        let count = *clients.borrow();
        match waited {
            Ok(()) if count > 0 => send(&RandomString::new(), count),
            Ok(()) => {}
            Err(_) => return,
        }
    }
}

fn by_chance(delays: &RangeInclusive<Duration>) -> Duration {
    let [shortest, longest] = [delays.start(), delays.end()].map(|delay| delay.as_millis());
    let bound = |delay: u128| u64::try_from(delay).unwrap_or(u64::MAX);
    Duration::from_millis(fastrand::u64(bound(shortest)..=bound(longest)))
}

#[cfg(test)]
mod tests {
    use tokio::{sync::mpsc, time::Instant};

    use super::*;

    const DELAYS: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(15);

    type Sent = (String, usize, Instant);

    fn start() -> (watch::Sender<usize>, mpsc::UnboundedReceiver<Sent>) {
        let (clients, watched) = watch::channel(0);
        let (sender, sent) = mpsc::unbounded_channel();
        tokio::spawn(run(watched, DELAYS, move |string, count| {
            drop(sender.send((string.value.clone(), count, Instant::now())));
        }));
        (clients, sent)
    }

    #[tokio::test(start_paused = true)]
    async fn strings_come_within_the_delays_while_somebody_is_connected() {
        let (clients, mut sent) = start();
        clients.send_replace(3);
        let mut before = Instant::now();
        for _ in 0..50 {
            let (value, count, at) = sent.recv().await.unwrap();
            assert!(value.len() == 10 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{value}");
            assert_eq!(count, 3);
            // The clock of tokio has whole milliseconds.
            let delay = at - before;
            assert!((Duration::from_secs(5)..=Duration::from_millis(15_001)).contains(&delay), "{delay:?}");
            before = at;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_generated_while_nobody_is_connected() {
        let (clients, mut sent) = start();
        sleep(Duration::from_secs(600)).await;
        assert!(sent.try_recv().is_err(), "nobody was ever there");
        clients.send_replace(1);
        sent.recv().await.unwrap();
        clients.send_replace(0);
        sleep(Duration::from_secs(600)).await;
        assert!(sent.try_recv().is_err(), "the last one has left");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_after_all_have_left_waits_a_whole_delay() {
        let (clients, mut sent) = start();
        clients.send_replace(1);
        sleep(Duration::from_secs(4)).await;
        clients.send_replace(0);
        sleep(Duration::from_secs(60)).await;
        clients.send_replace(1);
        let came = Instant::now();
        let (_, _, at) = sent.recv().await.unwrap();
        assert!(at - came >= Duration::from_secs(5));
    }

    #[test]
    fn delays_are_spread_over_their_range() {
        let delays: Vec<_> = (0..1000).map(|_| by_chance(&DELAYS)).collect();
        assert!(delays.iter().all(|delay| DELAYS.contains(delay)));
        assert!(delays.iter().any(|delay| *delay < Duration::from_secs(7)));
        assert!(delays.iter().any(|delay| *delay > Duration::from_secs(13)));
    }
}
