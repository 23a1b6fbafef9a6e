//! Cursors: a place in the feed (for streams) and a place in the list of notifications (for pages).

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use uuid::Uuid;

/// A place in the feed, `<epoch>-<position>`. The epoch names the life of the store, so that a position of another life is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedCursor {
    pub(crate) epoch: Uuid,
    pub(crate) position: u64,
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidCursor;

impl fmt::Display for FeedCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.epoch, self.position)
    }
}

impl FromStr for FeedCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (epoch, position) = text.rsplit_once('-').ok_or(InvalidCursor)?;
        let position =
            position.parse().ok().filter(|position| i64::try_from(*position).is_ok()).ok_or(InvalidCursor)?;
        Ok(Self { epoch: epoch.parse().map_err(|_| InvalidCursor)?, position })
    }
}

/// The last notification of a page, `<milliseconds since 1970>-<id>`: the next page is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageCursor {
    pub(crate) timestamp: Timestamp,
    pub(crate) id: Uuid,
}

impl fmt::Display for PageCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.timestamp.as_millisecond(), self.id)
    }
}

impl FromStr for PageCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (milliseconds, id) = text.split_once('-').ok_or(InvalidCursor)?;
        let milliseconds = milliseconds.parse().map_err(|_| InvalidCursor)?;
        let timestamp = Timestamp::from_millisecond(milliseconds).map_err(|_| InvalidCursor)?;
        Ok(Self { timestamp, id: id.parse().map_err(|_| InvalidCursor)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0192d3a4-0000-7000-8000-000000000001";

    #[test]
    fn a_feed_cursor_reads_back() {
        let text = format!("{ID}-42");
        let cursor: FeedCursor = text.parse().unwrap();
        assert_eq!((cursor.epoch.to_string().as_str(), cursor.position), (ID, 42));
        assert_eq!(cursor.to_string(), text);
    }

    #[test]
    fn a_page_cursor_reads_back() {
        let text = format!("1700000000123-{ID}");
        let cursor: PageCursor = text.parse().unwrap();
        assert_eq!(cursor.to_string(), text);
    }

    #[test]
    fn refuses_what_is_no_cursor() {
        for text in ["", "7", "-", ID, "epoch-7", &format!("{ID}--1"), &format!("{ID}-18446744073709551615")] {
            assert_eq!(text.parse::<FeedCursor>(), Err(InvalidCursor), "{text}");
        }
        for text in ["", ID, "x-y", "999999999999999999-0192d3a4-0000-7000-8000-000000000001"] {
            assert_eq!(text.parse::<PageCursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
