//! Calls of the Kafka client that may wait for its threads, and for ever when those hang: each has a thread of its own. The runtime's threads for
//! such work would keep the process from ending.

use std::thread;
use std::time::Duration;

use thiserror::Error as ThisError;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The answer of a call, once there is one. Its sender goes without an answer when the system gives no thread, or the call panics.
pub type Answer<T> = oneshot::Receiver<T>;

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum Error {
    /// It still waits.
    #[error("failed to get an answer of the Kafka client within {0:?}")]
    Await(Duration),
    /// Its thread ended early, or there was none.
    #[error("failed to keep the thread that asks the Kafka client")]
    KeepThread,
}

/// Begins the call on a thread of its own.
pub fn call<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    let (sender, answer) = oneshot::channel();
    let runtime = Handle::current();
    let begun = thread::Builder::new().name("kafka-call".to_owned()).spawn(move || {
        // Clients of Kafka begin tasks.
        let _runtime = runtime.enter();
        // Nobody waits any more when the limit has passed: what came late is dropped here, which may take long as well.
        _ = sender.send(work());
    });
    if let Err(error) = begun {
        tracing::warn!(error = &error as &dyn std::error::Error, "no thread for a call of the Kafka client");
    }
    answer
}

/// Waits for the answer, up to the limit.
///
/// # Errors
/// [`enum@Error`] when there is none.
pub async fn within<T>(limit: Duration, answer: &mut Answer<T>) -> Result<T, Error> {
    timeout(limit, answer).await.map_err(|_| Error::Await(limit))?.map_err(|_| Error::KeepThread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_does_not_return_is_given_up_and_one_that_panics_is_no_answer() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let limit = Duration::from_secs(5);
        let mut answer = call(move || held.recv().is_err());
        assert_eq!(within(limit, &mut answer).await, Err(Error::Await(limit)));
        drop(hold);
        assert_eq!(answer.await, Ok(true));
        let mut answer = call(|| std::panic::panic_any("a panic that is meant"));
        let ended: Result<(), Error> = within(limit, &mut answer).await;
        assert!(ended.is_err());
    }
}
