//! Where a client says that it was.

use uuid::Uuid;

use crate::cursor::FeedCursor;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// It is new: what comes from now on.
    Live,
    /// What comes behind this position.
    Behind(u64),
    /// Something that cannot be given.
    Lost {
        /// Why not.
        reason: GapReason,
        /// What it said.
        from: String,
    },
}

/// Why a client does not get all that it missed: a closed set, part of the stream's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GapReason {
    /// The feed does not go back that far.
    Trimmed,
    /// The cursor is none.
    Invalid,
    /// The cursor is of another life of the store.
    Epoch,
    /// It missed more than one connection replays.
    Limit,
}

impl GapReason {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Invalid => "invalid",
            Self::Epoch => "epoch",
            Self::Limit => "limit",
        }
    }
}

/// A client's own text goes back to it up to here.
const ECHO: usize = 128;

impl Resume {
    /// Reads a client's cursor. Empty counts as absent: that is what a client sends that has seen none.
    pub(crate) fn read(text: Option<&str>, epoch: Uuid) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Self::Live };
        let lost = |reason| Self::Lost { reason, from: text.chars().take(ECHO).collect() };
        match text.parse::<FeedCursor>() {
            Err(_) => lost(GapReason::Invalid),
            Ok(cursor) if cursor.epoch != epoch => lost(GapReason::Epoch),
            Ok(cursor) => Self::Behind(cursor.position),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Uuid = Uuid::from_u128(7);

    #[test]
    fn reads_what_the_client_has() {
        assert_eq!(Resume::read(None, EPOCH), Resume::Live);
        assert_eq!(Resume::read(Some(""), EPOCH), Resume::Live);
        assert_eq!(Resume::read(Some(&format!("{EPOCH}-9")), EPOCH), Resume::Behind(9));
    }

    #[test]
    fn tells_another_epoch_from_nonsense() {
        let other = format!("{}-9", Uuid::from_u128(8));
        assert_eq!(Resume::read(Some(&other), EPOCH), Resume::Lost { reason: GapReason::Epoch, from: other.clone() });
        let nonsense = "x".repeat(1000);
        assert_eq!(
            Resume::read(Some(&nonsense), EPOCH),
            Resume::Lost { reason: GapReason::Invalid, from: "x".repeat(128) }
        );
    }
}
