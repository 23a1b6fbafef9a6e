//! The buckets of this instance alone, a bounded number of them.

use std::{collections::HashMap, mem, time::Duration};

use super::{Asked, TooMany};

/// Buckets of a generation at most.
const GENERATION: usize = 16 * 1024;

/// When each bucket will be full, in microseconds since the start. One that is not here is full. When there are too many, those are forgotten
/// that were not touched for longest, all at once.
#[derive(Debug, Default)]
pub(super) struct Table {
    young: HashMap<String, u64>,
    old: HashMap<String, u64>,
}

impl Table {
    /// Takes from all, or from none.
    pub(super) fn take(&mut self, asked: &[Asked], now: Duration) -> Result<(), TooMany> {
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let mut taken = Vec::with_capacity(asked.len());
        for asked in asked {
            // Touched also when it is refused: who tries all the time is not forgotten.
            let full = self.full(&asked.name);
            self.keep(&asked.name, full);
            let refused = |wait| TooMany { limit: asked.limit, retry_after: Duration::from_micros(wait) };
            taken.push(asked.rate.take(full, now, asked.cost).map_err(refused)?);
        }
        for (asked, full) in asked.iter().zip(taken) {
            self.keep(&asked.name, full);
        }
        Ok(())
    }

    fn full(&self, name: &str) -> u64 {
        self.young.get(name).or_else(|| self.old.get(name)).copied().unwrap_or_default()
    }

    fn keep(&mut self, name: &str, full: u64) {
        if let Some(kept) = self.young.get_mut(name) {
            *kept = full;
            return;
        }
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(name.to_owned(), full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limit;

    fn asked(name: impl Into<String>) -> Asked {
        Asked { limit: Limit::User, rate: "1/1".parse().unwrap(), name: name.into(), cost: 1 }
    }

    const NOW: Duration = Duration::from_secs(10);

    #[test]
    fn takes_from_all_or_from_none() {
        let mut table = Table::default();
        table.take(&[asked("a")], NOW).unwrap();
        let refused = TooMany { limit: Limit::User, retry_after: Duration::from_secs(1) };
        assert_eq!(table.take(&[asked("b"), asked("a")], NOW), Err(refused));
        assert_eq!(table.take(&[asked("b")], NOW), Ok(()));
    }

    #[test]
    fn no_more_buckets_are_kept_than_there_is_room_for_and_the_ones_in_use_stay() {
        let mut table = Table::default();
        table.take(&[asked("busy")], NOW).unwrap();
        for number in 0..5 * GENERATION {
            table.take(&[asked(number.to_string())], NOW).unwrap();
            if number % (GENERATION / 2) == 0 {
                assert!(table.take(&[asked("busy")], NOW).is_err(), "{number}");
            }
        }
        assert!(table.young.len() + table.old.len() <= 2 * GENERATION);
    }
}
