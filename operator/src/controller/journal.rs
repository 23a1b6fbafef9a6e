//! What this process remembers of each stack: the status that it wrote last, failures in a row, reconciles of a generation.
//!
//! The watch may be behind our own writes; the journal never is. It is lost with the process, and the status in the cluster takes its place.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use realtime_crds::RealtimeStackStatus;

#[derive(Debug, Default)]
struct Entry {
    status: Option<RealtimeStackStatus>,
    failures: u32,
    generation: i64,
    reconciles: u32,
    became_ready: bool,
}

/// What is remembered, by the stack's unique id.
#[derive(Debug, Default)]
pub struct Journal(Mutex<HashMap<String, Entry>>);

impl Journal {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The status that was written last.
    pub fn last_status(&self, uid: &str) -> Option<RealtimeStackStatus> {
        self.entries().get(uid)?.status.clone()
    }

    /// A status was written.
    pub fn wrote_status(&self, uid: &str, status: RealtimeStackStatus) {
        self.entries().entry(uid.to_owned()).or_default().status = Some(status);
    }

    /// A reconcile failed; gives the number of failures in a row.
    pub fn failed(&self, uid: &str) -> u32 {
        let mut entries = self.entries();
        let entry = entries.entry(uid.to_owned()).or_default();
        entry.failures = entry.failures.saturating_add(1);
        entry.failures
    }

    /// A reconcile succeeded.
    pub fn succeeded(&self, uid: &str) {
        if let Some(entry) = self.entries().get_mut(uid) {
            entry.failures = 0;
        }
    }

    /// Counts a reconcile of a generation; gives the count when the generation has become ready by it.
    pub fn reconciled(&self, uid: &str, generation: i64, ready: bool) -> Option<u32> {
        let mut entries = self.entries();
        let entry = entries.entry(uid.to_owned()).or_default();
        if entry.generation != generation {
            *entry = Entry { status: entry.status.take(), failures: entry.failures, generation, ..Entry::default() };
        }
        entry.reconciles += 1;
        let became_ready = ready && !entry.became_ready;
        entry.became_ready |= ready;
        became_ready.then_some(entry.reconciles)
    }

    /// Forgets a stack that is gone.
    pub fn forget(&self, uid: &str) {
        self.entries().remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_reconciles_of_a_generation_until_it_is_ready_once() {
        let journal = Journal::default();
        let counts = [(1, false), (1, true), (1, false), (1, true), (2, true)]
            .map(|(generation, ready)| journal.reconciled("a", generation, ready));
        assert_eq!(counts, [None, Some(2), None, None, Some(1)]);
    }

    #[test]
    fn a_success_ends_a_row_of_failures() {
        let journal = Journal::default();
        assert_eq!((journal.failed("a"), journal.failed("a")), (1, 2));
        journal.succeeded("a");
        assert_eq!(journal.failed("a"), 1);
    }
}
