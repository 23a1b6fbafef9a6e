//! Positions are gapless: each entry is known, next, or ahead of what is missing.

/// Where an entry stands, seen from the last one that was broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It was broadcast already.
    Known,
    /// It is to be broadcast now.
    Next,
    /// Others come before it.
    Ahead,
}

/// The place of `position` behind `last`.
pub(crate) const fn place(last: u64, position: u64) -> Place {
    if position <= last {
        Place::Known
    } else if position == last + 1 {
        Place::Next
    } else {
        Place::Ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_known_next_and_skipped_positions_apart() {
        assert_eq!(
            [6, 7, 8, 9].map(|position| place(7, position)),
            [Place::Known, Place::Known, Place::Next, Place::Ahead]
        );
        assert_eq!(place(0, 1), Place::Next);
    }
}
