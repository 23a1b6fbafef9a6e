//! What is not written yet of the sessions.

use std::collections::HashMap;

use super::Record;

/// Commands of one pipeline.
const BATCH: usize = 512;
/// Sessions that may wait while Redis is away.
const WAITING: usize = 64 * 1024;

/// What happened to a session, by its name.
#[derive(Debug)]
pub(super) enum Change {
    Write(Box<str>, Record),
    Renew(Box<str>, Record),
    Delete(Box<str>),
}

/// How a session is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Whatever stands there.
    Write(Record),
    /// Only if it stands there like this, or not at all: another instance may have it by now, and know more.
    Renew(Record),
    Delete,
}

/// What is not written yet, one entry a session.
#[derive(Debug, Default)]
pub(super) struct Waiting(HashMap<Box<str>, Entry>);

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there was room for it.
    pub(super) fn put(&mut self, change: Change) -> bool {
        let (name, entry) = match change {
            Change::Write(name, record) => (name, Entry::Write(record)),
            Change::Renew(name, record) => (name, Entry::Renew(record)),
            Change::Delete(name) => (name, Entry::Delete),
        };
        if self.0.len() >= WAITING && !self.0.contains_key(&name) {
            return false;
        }
        // What is newer replaces what waits, but a renewal says nothing about what is to be written or deleted.
        let is_renewal = matches!(entry, Entry::Renew(_));
        if !is_renewal || !self.0.contains_key(&name) {
            self.0.insert(name, entry);
        }
        true
    }

    /// Some of it, taken out.
    pub(super) fn batch(&mut self) -> Vec<(Box<str>, Entry)> {
        let names: Vec<Box<str>> = self.0.keys().take(BATCH).cloned().collect();
        names.into_iter().filter_map(|name| self.0.remove_entry(&name)).collect()
    }

    /// What was not written waits on, but for renewals, which come again; says how many they are.
    pub(super) fn put_back(&mut self, batch: Vec<(Box<str>, Entry)>) -> u64 {
        let (renewals, others): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|(_, entry)| matches!(entry, Entry::Renew(_)));
        self.0.extend(others);
        renewals.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socketio::channels::Channels;

    fn record(id: &str) -> Record {
        Record { id: id.into(), channels: Channels::All, user: None }
    }

    fn written(waiting: &mut Waiting) -> Vec<Entry> {
        waiting.batch().into_iter().map(|(_, entry)| entry).collect()
    }

    #[test]
    fn a_session_is_written_once_as_it_is_now() {
        let mut waiting = Waiting::default();
        for change in [
            Change::Write("s".into(), record("a")),
            Change::Write("s".into(), record("b")),
            Change::Renew("s".into(), record("b")),
        ] {
            assert!(waiting.put(change));
        }
        assert_eq!(written(&mut waiting), [Entry::Write(record("b"))]);
        assert!(waiting.0.is_empty());
    }

    #[test]
    fn a_session_that_ended_is_not_kept() {
        let mut waiting = Waiting::default();
        waiting.put(Change::Write("s".into(), record("a")));
        waiting.put(Change::Delete("s".into()));
        waiting.put(Change::Renew("s".into(), record("a")));
        assert_eq!(written(&mut waiting), [Entry::Delete]);
    }

    #[test]
    fn after_a_failure_changes_wait_and_renewals_do_not() {
        let mut waiting = Waiting::default();
        waiting.put(Change::Write("written".into(), record("a")));
        waiting.put(Change::Renew("renewed".into(), record("b")));
        waiting.put(Change::Delete("deleted".into()));
        let batch = waiting.batch();
        assert_eq!(waiting.put_back(batch), 1);
        let mut names: Vec<&str> = waiting.0.keys().map(AsRef::as_ref).collect();
        names.sort_unstable();
        assert_eq!(names, ["deleted", "written"]);
    }

    #[test]
    fn what_waits_is_bounded_and_a_session_that_waits_can_still_change() {
        let mut waiting = Waiting::default();
        for number in 0..WAITING {
            assert!(waiting.put(Change::Write(number.to_string().into(), record("a"))));
        }
        assert!(!waiting.put(Change::Write("more".into(), record("a"))));
        assert!(waiting.put(Change::Delete("0".into())));
        assert_eq!(waiting.batch().len(), BATCH);
    }
}
