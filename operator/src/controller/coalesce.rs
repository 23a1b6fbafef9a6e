//! Many changes, one reconcile: a trigger waits for others of its kind, but never longer than a fixed time after the first of them.
//! So a stack whose pods never come to rest is still healed.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::time::{Instant, sleep_until};

/// Each item once, `window` after the first of its equals.
pub fn coalesce<S>(items: S, window: Duration) -> impl Stream<Item = S::Item> + Send
where
    S: Stream<Item: Eq + Hash + Clone + Send> + Send + Unpin,
{
    let waiting: HashMap<S::Item, Instant> = HashMap::new();
    futures::stream::unfold((items, waiting), move |(mut items, mut waiting)| async move {
        loop {
            let due = waiting.iter().min_by_key(|(_, due)| **due).map(|(item, due)| (item.clone(), *due));
            tokio::select! {
                () = at(due.as_ref().map(|(_, due)| *due)) => {
                    let (item, _) = due?;
                    waiting.remove(&item);
                    return Some((item, (items, waiting)));
                }
                item = items.next() => {
                    waiting.entry(item?).or_insert_with(|| Instant::now() + window);
                }
            }
        }
    })
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn equal_items_within_the_window_become_one() {
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        for item in ["a", "b", "a", "a"] {
            sender.unbounded_send(item).unwrap();
        }
        let mut coalesced = std::pin::pin!(coalesce(receiver, WINDOW));
        let mut seen = [coalesced.next().await.unwrap(), coalesced.next().await.unwrap()];
        seen.sort_unstable();
        assert_eq!(seen, ["a", "b"]);
        sender.unbounded_send("a").unwrap();
        assert_eq!(coalesced.next().await, Some("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn items_that_never_pause_are_not_held_back() {
        let restless = futures::stream::unfold((), |()| async {
            tokio::time::sleep(WINDOW / 10).await;
            Some(("a", ()))
        });
        let begun = Instant::now();
        let coalesced = coalesce(restless.boxed(), WINDOW);
        assert_eq!(std::pin::pin!(coalesced).next().await, Some("a"));
        assert!(begun.elapsed() <= WINDOW + WINDOW / 5, "{:?}", begun.elapsed());
    }
}
