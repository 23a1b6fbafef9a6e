//! Who doubts what is known of the topics asks for a look at them, and waits for it.

use std::time::Duration;

use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};

/// Looks at the topics: what is wanted, and when the last one was begun that succeeded.
#[derive(Debug, Default)]
pub(crate) struct Surveys {
    wanted: Notify,
    made: watch::Sender<Option<Instant>>,
}

impl Surveys {
    /// Asks for a look that begins from now on, and waits for it up to `patience`. False when there was none.
    pub(crate) async fn renew(&self, patience: Duration) -> bool {
        let now = Instant::now();
        let mut made = self.made.subscribe();
        self.wanted.notify_one();
        let made = made.wait_for(|begun| begun.is_some_and(|begun| begun >= now));
        timeout(patience, made).await.is_ok_and(|made| made.is_ok())
    }

    /// Until somebody asks for a look.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// What a look found that began then is known to all.
    pub(crate) fn made(&self, begun: Instant) {
        self.made.send_replace(Some(begun));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_that_was_under_way_is_none_that_was_asked_for() {
        let surveys = Surveys::default();
        let before = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let follower = async {
            surveys.wanted().await;
            surveys.made(before);
            tokio::time::sleep(Duration::from_secs(1)).await;
            surveys.made(Instant::now());
        };
        let begun = Instant::now();
        let (renewed, ()) = tokio::join!(surveys.renew(Duration::from_secs(2)), follower);
        assert_eq!((renewed, begun.elapsed()), (true, Duration::from_secs(1)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!surveys.renew(Duration::from_secs(2)).await, "nobody answers");
    }
}
