//! A page of the list as it is answered.

use bytes::Bytes;

use crate::cursor::PageCursor;

/// Bytes of a page that is kept: with the places for pages they bound what the cache takes of Redis and of the process.
const BYTES: usize = 256 * 1024;

/// The answer to a request for the list: what is the same for all who ask for it, each by an address of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<PageCursor>,
    /// The array.
    pub(crate) json: Bytes,
}

impl Page {
    /// Whether it is small enough to be kept.
    pub(super) const fn fits(&self) -> bool {
        self.json.len() <= BYTES
    }
}

/// Where a page came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// From the cache, or from a read that another request had caused.
    Hit,
    /// From Postgres.
    Miss,
    /// From Postgres, because Redis is away.
    Bypass,
}

impl Source {
    /// Value of the header `x-cache`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }

    /// The source for one who waited for the same page.
    pub(super) const fn of_companion(self) -> Self {
        match self {
            Self::Miss => Self::Hit,
            other => other,
        }
    }
}
