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

/// The last notification of a page, `<milliseconds since 1970>-<id>`: the next page is older. Notifications of other producers than the API may
/// have a fraction of a millisecond, `<milliseconds>.<microseconds>-<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageCursor {
    pub(crate) timestamp: Timestamp,
    pub(crate) id: Uuid,
}

impl fmt::Display for PageCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (milliseconds, fraction) = (self.timestamp.as_millisecond(), self.timestamp.as_microsecond() % 1_000);
        match fraction {
            0 => write!(formatter, "{milliseconds}-{}", self.id),
            _ => write!(formatter, "{milliseconds}.{fraction:03}-{}", self.id),
        }
    }
}

impl FromStr for PageCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (time, id) = text.split_once('-').ok_or(InvalidCursor)?;
        let (milliseconds, fraction) = time.split_once('.').unwrap_or((time, "000"));
        let microseconds = Some((milliseconds, fraction)).filter(|_| fraction.len() == 3).and_then(microseconds);
        let timestamp = Timestamp::from_microsecond(microseconds.ok_or(InvalidCursor)?).map_err(|_| InvalidCursor)?;
        Ok(Self { timestamp, id: id.parse().map_err(|_| InvalidCursor)? })
    }
}

fn microseconds((milliseconds, fraction): (&str, &str)) -> Option<i64> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(milliseconds) || !is_digits(fraction) {
        return None;
    }
    milliseconds.parse::<i64>().ok()?.checked_mul(1_000)?.checked_add(fraction.parse().ok()?)
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
        for text in [format!("1700000000123-{ID}"), format!("1700000000123.007-{ID}")] {
            let cursor: PageCursor = text.parse().unwrap();
            assert_eq!(cursor.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_cursor() {
        for text in ["", "7", "-", ID, "epoch-7", &format!("{ID}--1"), &format!("{ID}-18446744073709551615")] {
            assert_eq!(text.parse::<FeedCursor>(), Err(InvalidCursor), "{text}");
        }
        for time in ["", "x", "+1", "1.5", "1.0005", "1.", "999999999999999999", "99999999999999999999"] {
            assert_eq!(format!("{time}-{ID}").parse::<PageCursor>(), Err(InvalidCursor), "{time}");
        }
        for text in ["", ID, "x-y", "1700000000123-x"] {
            assert_eq!(text.parse::<PageCursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
