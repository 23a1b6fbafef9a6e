//! Which offset comes next in each partition.

use std::collections::BTreeMap;

/// The next offset by partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    next: BTreeMap<i32, i64>,
}

impl Assignment {
    /// Begins at the given offsets.
    pub(crate) fn new(next: impl IntoIterator<Item = (i32, i64)>) -> Self {
        Self { next: next.into_iter().collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.next.len()
    }

    /// Partition and next offset, in order.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (i32, i64)> {
        self.next.iter().map(|(partition, next)| (*partition, *next))
    }

    /// The record at that offset was read.
    pub(crate) fn advance(&mut self, partition: i32, offset: i64) {
        self.next.insert(partition, offset + 1);
    }

    /// With `count` partitions in the topic: what is new is read from its beginning. `None` when nothing is new.
    pub(crate) fn grown(&self, count: i32) -> Option<Self> {
        let new: Vec<i32> = (0..count).filter(|partition| !self.next.contains_key(partition)).collect();
        if new.is_empty() {
            return None;
        }
        Some(Self::new(self.positions().chain(new.into_iter().map(|partition| (partition, 0)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_new_partitions_from_their_beginning_and_the_others_on() {
        let mut assignment = Assignment::new([(0, 7), (1, 3)]);
        assignment.advance(1, 3);
        assert_eq!(assignment.grown(2), None);
        assert_eq!(assignment.grown(1), None, "a topic never shrinks");
        let grown = assignment.grown(4).unwrap();
        assert_eq!(grown.positions().collect::<Vec<_>>(), [(0, 7), (1, 4), (2, 0), (3, 0)]);
    }
}
