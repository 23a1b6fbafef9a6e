//! What was written to the log, and whether a client got exactly that.

use std::collections::{BTreeMap, HashSet};

/// An event that the log has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub partition: i32,
    /// Where it stands there.
    pub offset: i64,
    /// Its `type`.
    pub kind: &'static str,
    /// Its key.
    pub channel: String,
    /// `product.region` in its data.
    pub region: &'static str,
}

/// How a client's events differ from those of the log. Numbers are those of the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An event that the client wants and did not get.
    Lost(u32),
    /// An event that it got again.
    Doubled(u32),
    /// An event that it got after a later one of the same partition.
    Late(u32),
    /// An event that it does not want, or that nobody has written.
    Unwanted(u32),
}

/// Every event of a test, by its number.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<u32, Entry>,
}

impl Ledger {
    /// Notes an event that the log has taken.
    pub fn note(&mut self, number: u32, entry: Entry) {
        self.entries.insert(number, entry);
    }

    /// Every event with its number.
    pub fn entries(&self) -> impl Iterator<Item = (u32, &Entry)> {
        self.entries.iter().map(|(number, entry)| (*number, entry))
    }

    /// How many events there are of those.
    pub fn count(&self, wanted: impl Fn(&Entry) -> bool) -> usize {
        self.entries.values().filter(|entry| wanted(entry)).count()
    }

    /// What is wrong with the events of a client that wants those: nothing, if it got each of them once, and those of a partition in the
    /// order of the log.
    pub fn faults(&self, wanted: impl Fn(&Entry) -> bool, received: &[u32]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen = HashSet::new();
        let mut last: BTreeMap<i32, i64> = BTreeMap::new();
        for number in received {
            let Some(entry) = self.entries.get(number).filter(|entry| wanted(entry)) else {
                faults.push(Fault::Unwanted(*number));
                continue;
            };
            if !seen.insert(*number) {
                faults.push(Fault::Doubled(*number));
                continue;
            }
            let newest = last.entry(entry.partition).or_insert(entry.offset);
            if entry.offset < *newest {
                faults.push(Fault::Late(*number));
            }
            *newest = entry.offset.max(*newest);
        }
        let lost = self.entries.iter().filter(|(number, entry)| wanted(entry) && !seen.contains(*number));
        faults.extend(lost.map(|(number, _)| Fault::Lost(*number)));
        faults
    }
}
