//! Duplicates: a record is one when its id stood among the preceding offsets of its partition.

use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

/// The ids of the last offsets of one partition. What it decides about an offset depends on nothing but the log: the window is counted in
/// offsets, so it is the same with holes in them, and a duplicate counts as its id's last place. So a reader that starts a whole window
/// earlier decides as one that was always there.
#[derive(Debug)]
pub(crate) struct Window {
    size: u64,
    last: HashMap<u128, u64>,
    order: VecDeque<(u64, u128)>,
}

impl Window {
    /// An empty window of so many offsets.
    pub(crate) fn new(size: u64) -> Self {
        Self { size, last: HashMap::new(), order: VecDeque::new() }
    }

    /// Remembers the id of the record at that offset. True when it did not stand in the window. Offsets must rise.
    pub(crate) fn admit(&mut self, offset: u64, id: &str) -> bool {
        self.forget(offset.saturating_sub(self.size));
        let id = fingerprint(id);
        self.order.push_back((offset, id));
        self.last.insert(id, offset).is_none()
    }

    /// Drops what lies below the offset.
    fn forget(&mut self, begin: u64) {
        while let Some((offset, id)) = self.order.pop_front_if(|(offset, _)| *offset < begin) {
            if self.last.get(&id) == Some(&offset) {
                self.last.remove(&id);
            }
        }
    }
}

/// 128 bits of a hash for which nobody can find two ids.
fn fingerprint(id: &str) -> u128 {
    Sha256::digest(id.as_bytes()).iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the definition says, without any memory.
    fn is_new(log: &[(u64, String)], index: usize, size: u64) -> bool {
        let (offset, id) = &log[index];
        !log[..index].iter().any(|(earlier, other)| other == id && earlier + size >= *offset)
    }

    /// Rising offsets with holes, ids that come again often.
    fn log(random: &mut fastrand::Rng) -> Vec<(u64, String)> {
        let mut offset = random.u64(0..50);
        (0..300)
            .map(|_| {
                offset += if random.u8(0..10) == 0 { random.u64(1..30) } else { 1 };
                (offset, format!("id-{}", random.u8(0..40)))
            })
            .collect()
    }

    #[test]
    fn takes_an_id_once_within_the_window_and_again_behind_it() {
        let mut window = Window::new(3);
        assert!(window.admit(10, "a"));
        assert!(!window.admit(13, "a"), "the third offset behind it");
        assert!(!window.admit(16, "a"), "the duplicate counts as its last place");
        assert!(window.admit(20, "a"), "the fourth offset behind it");
    }

    #[test]
    fn remembers_no_more_than_the_window() {
        let mut window = Window::new(10);
        for offset in 0..1000 {
            window.admit(offset, &offset.to_string());
        }
        assert_eq!((window.last.len(), window.order.len()), (11, 11));
    }

    #[test]
    fn decides_as_the_definition_says() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..50 {
            let (log, size) = (log(&mut random), random.u64(0..60));
            let mut window = Window::new(size);
            for (index, (offset, id)) in log.iter().enumerate() {
                assert_eq!(window.admit(*offset, id), is_new(&log, index, size), "seed {seed}, offset {offset}");
            }
        }
    }

    #[test]
    fn a_replay_from_any_offset_decides_as_the_reader_that_was_always_there() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..2 {
            let (log, size) = (log(&mut random), random.u64(0..60));
            for from in log.iter().map(|(offset, _)| *offset) {
                let mut window = Window::new(size);
                for (index, (offset, id)) in log.iter().enumerate().filter(|(_, (offset, _))| offset + size >= from) {
                    let decision = window.admit(*offset, id);
                    if *offset >= from {
                        assert_eq!(decision, is_new(&log, index, size), "seed {seed}, from {from}, offset {offset}");
                    }
                }
            }
        }
    }
}
