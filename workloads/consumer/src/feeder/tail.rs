//! Which part of the feed the stream lacks.

use realtime_contract::feed::STREAM_LENGTH;

/// Where copying begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct After {
    /// The last position that need not be copied.
    pub(super) position: i64,
    /// The stream has positions that the feed never gave out: it belongs to another life of the store.
    pub(super) stream_is_ahead: bool,
}

/// What to copy to a stream with that top entry; nothing when it has the feed's position already. An empty stream gets the feed's tail, and so
/// does one that is further behind than it is long.
pub(super) fn copy_after(top: Option<i64>, position: i64) -> Option<After> {
    let tail = position.saturating_sub_unsigned(STREAM_LENGTH as u64).max(0);
    match top {
        Some(top) if top == position => None,
        None if position == 0 => None,
        Some(top) if top > position => Some(After { position: tail, stream_is_ahead: true }),
        top => Some(After { position: top.unwrap_or(0).max(tail), stream_is_ahead: false }),
    }
}

/// The last position that may be trimmed from a feed that stands there: what fills the stream after a loss stays, whatever its age.
pub(super) fn trim_until(position: i64) -> Option<i64> {
    Some(position.saturating_sub_unsigned(STREAM_LENGTH as u64)).filter(|until| *until > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: i64 = STREAM_LENGTH as i64;

    fn after(position: i64) -> Option<After> {
        Some(After { position, stream_is_ahead: false })
    }

    #[test]
    fn nothing_is_copied_when_both_stand_at_the_same_place() {
        assert_eq!(copy_after(Some(7), 7), None);
        assert_eq!(copy_after(None, 0), None);
    }

    #[test]
    fn goes_on_behind_the_top() {
        assert_eq!(copy_after(Some(7), 9), after(7));
    }

    #[test]
    fn an_empty_stream_gets_the_tail() {
        assert_eq!(copy_after(None, 9), after(0));
        assert_eq!(copy_after(None, LENGTH + 5), after(5));
    }

    #[test]
    fn what_the_stream_would_trim_at_once_is_left_out() {
        assert_eq!(copy_after(Some(1), LENGTH + 5), after(5));
    }

    #[test]
    fn what_fills_an_empty_stream_is_never_trimmed() {
        assert_eq!(trim_until(LENGTH), None);
        assert_eq!(trim_until(LENGTH + 5), Some(5));
        assert_eq!(copy_after(None, LENGTH + 5), after(5), "the first position behind what may be trimmed");
    }

    #[test]
    fn a_stream_that_is_ahead_is_another_life() {
        assert_eq!(copy_after(Some(9), 7), Some(After { position: 0, stream_is_ahead: true }));
        assert_eq!(copy_after(Some(9), 0), Some(After { position: 0, stream_is_ahead: true }));
    }
}
