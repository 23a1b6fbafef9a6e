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
    /// Reads `Last-Event-ID`. Empty counts as absent: that is what a client sends that has seen no id.
    pub(crate) fn from_header(header: Option<&[u8]>, epoch: Uuid) -> Self {
        let Some(text) = header.filter(|text| !text.is_empty()) else { return Self::Live };
        let text = String::from_utf8_lossy(text);
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
        assert_eq!(Resume::from_header(None, EPOCH), Resume::Live);
        assert_eq!(Resume::from_header(Some(b""), EPOCH), Resume::Live);
        assert_eq!(Resume::from_header(Some(format!("{EPOCH}-9").as_bytes()), EPOCH), Resume::Behind(9));
    }

    #[test]
    fn tells_another_epoch_from_nonsense() {
        let other = format!("{}-9", Uuid::from_u128(8));
        assert_eq!(
            Resume::from_header(Some(other.as_bytes()), EPOCH),
            Resume::Lost { reason: GapReason::Epoch, from: other }
        );
        let nonsense = "x".repeat(1000);
        assert_eq!(
            Resume::from_header(Some(nonsense.as_bytes()), EPOCH),
            Resume::Lost { reason: GapReason::Invalid, from: "x".repeat(128) }
        );
    }
}
