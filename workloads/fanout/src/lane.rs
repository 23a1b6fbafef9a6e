//! Lanes of a log, and how far each has come.

/// One ordered part of a log: a partition of one life of a topic, or a feed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub u32);

impl Lane {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The offset that comes next in each lane; one that is not in it has not begun and counts as 0.
#[derive(Clone, Debug, Default)]
pub struct Vector {
    next: Vec<u64>,
}

/// What a lane's component says when nothing of the lane will ever be wanted.
pub(crate) const RETIRED: u64 = u64::MAX;

impl Vector {
    /// The offset that comes next in the lane.
    pub fn next(&self, lane: Lane) -> u64 {
        self.next.get(lane.index()).copied().unwrap_or_default()
    }

    /// Says which offset comes next in the lane.
    pub fn set(&mut self, lane: Lane, next: u64) {
        if self.next.len() <= lane.index() {
            self.next.resize(lane.index() + 1, 0);
        }
        self.next[lane.index()] = next;
    }

    /// Whether that offset lies behind already.
    pub fn covers(&self, lane: Lane, offset: u64) -> bool {
        offset < self.next(lane)
    }

    /// Moves behind that offset; never back.
    pub fn advance(&mut self, lane: Lane, offset: u64) {
        if !self.covers(lane, offset) {
            self.set(lane, offset + 1);
        }
    }

    /// Becomes the greater of both in each lane.
    pub fn raise(&mut self, other: &Self) {
        for (lane, next) in other.iter() {
            if next > self.next(lane) {
                self.set(lane, next);
            }
        }
    }

    /// Whether it is as far as the other in each lane.
    pub fn dominates(&self, other: &Self) -> bool {
        other.iter().all(|(lane, next)| self.next(lane) >= next)
    }

    /// Lanes and what comes next in each, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Lane, u64)> {
        (0..).map(Lane).zip(self.next.iter().copied())
    }
}

/// Two are equal when they say the same of every lane.
impl PartialEq for Vector {
    fn eq(&self, other: &Self) -> bool {
        self.dominates(other) && other.dominates(self)
    }
}

impl Eq for Vector {}

impl FromIterator<(Lane, u64)> for Vector {
    fn from_iter<I: IntoIterator<Item = (Lane, u64)>>(components: I) -> Self {
        let mut vector = Self::default();
        for (lane, next) in components {
            vector.set(lane, next);
        }
        vector
    }
}

/// Writes a vector as the `id:` of a frame.
pub trait CursorCodec: Send + Sync + 'static {
    /// One line without the character NUL.
    fn encode(&self, vector: &Vector) -> String;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(next: &[u64]) -> Vector {
        (0..).map(Lane).zip(next.iter().copied()).collect()
    }

    #[test]
    fn a_lane_that_has_not_begun_counts_as_zero() {
        let mut vector = vector(&[3]);
        assert_eq!((vector.next(Lane(0)), vector.next(Lane(7))), (3, 0));
        assert!(!vector.covers(Lane(7), 0));
        vector.advance(Lane(2), 4);
        assert_eq!(vector.iter().map(|(_, next)| next).collect::<Vec<_>>(), [3, 0, 5]);
    }

    #[test]
    fn moves_forward_only() {
        let mut vector = vector(&[3]);
        vector.advance(Lane(0), 1);
        assert_eq!(vector.next(Lane(0)), 3);
        vector.advance(Lane(0), 3);
        assert_eq!(vector.next(Lane(0)), 4);
    }

    #[test]
    fn is_raised_in_each_lane() {
        let mut raised = vector(&[3, 1]);
        raised.raise(&vector(&[1, 4, 2]));
        assert_eq!(raised, vector(&[3, 4, 2]));
        assert!(raised.dominates(&vector(&[1, 4, 2])) && raised.dominates(&vector(&[3, 1])));
        assert!(!vector(&[3, 1]).dominates(&vector(&[1, 4])));
    }

    #[test]
    fn equality_does_not_see_lanes_that_have_not_begun() {
        assert_eq!(vector(&[3]), vector(&[3, 0]));
        assert_ne!(vector(&[3]), vector(&[3, 1]));
    }
}
