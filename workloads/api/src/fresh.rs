//! A value that many ask for and that may be a little old.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

/// A value that is gotten anew when it is older than its life. Who asks meanwhile waits for the one who gets it.
pub(crate) struct Fresh<T> {
    life: Duration,
    value: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Fresh<T> {
    /// None yet.
    pub(crate) fn new(life: Duration) -> Self {
        Self { life, value: Mutex::new(None) }
    }

    /// The value. `get` is called when it is too old.
    pub(crate) async fn get<F: Future<Output = T>>(&self, get: impl FnOnce() -> F) -> T {
        let mut value = self.value.lock().await;
        if let Some((_, value)) = value.as_ref().filter(|(since, _)| since.elapsed() < self.life) {
            return value.clone();
        }
        let new = get().await;
        *value = Some((Instant::now(), new.clone()));
        new
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn is_gotten_once_for_all_who_ask_and_again_when_it_is_old() {
        let fresh = Fresh::new(Duration::from_secs(1));
        let gets = AtomicU32::new(0);
        let get = || async {
            sleep(Duration::from_millis(100)).await;
            gets.fetch_add(1, Ordering::Relaxed)
        };
        assert_eq!(join_all((0..200).map(|_| fresh.get(get))).await, vec![0; 200]);
        advance(Duration::from_millis(990)).await;
        assert_eq!(fresh.get(get).await, 0);
        advance(Duration::from_millis(10)).await;
        assert_eq!(fresh.get(get).await, 1);
    }
}
