//! One piece of work for all who wait for it.

use std::{
    mem::take,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;
use tokio::sync::oneshot;

/// Work that is done one piece after the other. Who asks while a piece is under way shares the next one: so its result is never older than
/// the question.
pub(super) struct Rounds<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    is_running: bool,
    next: Option<Round<T>>,
}

struct Round<T> {
    /// Does nothing before its turn.
    work: BoxFuture<'static, T>,
    waiting: Vec<oneshot::Sender<T>>,
}

impl<T> Default for Rounds<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { is_running: false, next: None })))
    }
}

impl<T: Clone + Send + 'static> Rounds<T> {
    /// The result of work that begins from now on. None when it broke down.
    pub(super) async fn ask(&self, work: impl FnOnce() -> BoxFuture<'static, T>) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        if self.join(sender, work) {
            // The others do not depend on the one who came first.
            tokio::spawn(run(self.0.clone()));
        }
        receiver.await.ok()
    }

    /// Whether nobody asks.
    pub(super) fn is_idle(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_running
    }

    /// Whether the rounds have to begin.
    fn join(&self, sender: oneshot::Sender<T>, work: impl FnOnce() -> BoxFuture<'static, T>) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut state.next {
            Some(round) => round.waiting.push(sender),
            None => state.next = Some(Round { work: work(), waiting: vec![sender] }),
        }
        !std::mem::replace(&mut state.is_running, true)
    }
}

async fn run<T: Clone>(state: Arc<Mutex<State<T>>>) {
    let mut running = Running(&state);
    while let Some(Round { work, waiting }) = running.next() {
        let result = work.await;
        for sender in waiting {
            // Who has left needs no result.
            drop(sender.send(result.clone()));
        }
    }
}

/// Lets the rounds begin anew when a piece of work breaks down.
struct Running<'a, T>(&'a Mutex<State<T>>);

impl<T> Running<'_, T> {
    fn next(&mut self) -> Option<Round<T>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = take(&mut state.next);
        state.is_running = next.is_some();
        next
    }
}

impl<T> Drop for Running<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Those who wait for the next piece are told by the end of their channel.
            drop(self.next());
            self.0.lock().unwrap_or_else(PoisonError::into_inner).is_running = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::{FutureExt, future::join_all};
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn who_asks_while_a_piece_is_under_way_shares_the_next_one() {
        let (rounds, gate, count) = (Rounds::default(), Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
        let work = || {
            let (gate, count) = (gate.clone(), count.clone());
            async move {
                let number = count.fetch_add(1, Ordering::Relaxed) + 1;
                gate.acquire().await.unwrap().forget();
                number
            }
            .boxed()
        };
        let first = rounds.ask(work);
        let others = async {
            while count.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
            let asked = join_all((0..100).map(|_| rounds.ask(work)));
            let (answers, ()) = tokio::join!(asked, async { gate.add_permits(2) });
            answers
        };
        let (first, others) = tokio::join!(first, others);
        assert_eq!(first, Some(1));
        assert_eq!(others, vec![Some(2); 100]);
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn work_goes_on_when_its_first_asker_leaves() {
        let (rounds, gate) = (Rounds::default(), Arc::new(Semaphore::new(0)));
        let work = || {
            let gate = gate.clone();
            async move { gate.acquire().await.unwrap().forget() }.boxed()
        };
        let mut leaving = Box::pin(rounds.ask(work));
        assert!(futures::poll!(&mut leaving).is_pending());
        let mut staying = Box::pin(rounds.ask(work));
        assert!(futures::poll!(&mut staying).is_pending());
        drop(leaving);
        gate.add_permits(2);
        assert_eq!(staying.await, Some(()));
    }

    #[tokio::test]
    async fn work_that_breaks_down_is_told_and_the_next_one_is_done() {
        let rounds = Rounds::<u32>::default();
        assert_eq!(rounds.ask(|| async { unreachable!("the test wants it") }.boxed()).await, None);
        assert_eq!(rounds.ask(|| async { 7 }.boxed()).await, Some(7));
    }
}
