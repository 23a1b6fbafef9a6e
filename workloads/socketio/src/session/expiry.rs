//! Until when a client may stay in a namespace.

use std::time::Instant;

use realtime_fanout::Expiry as Notice;

/// Until when a client may stay in a namespace. One without an end takes no room for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expiry(Option<Box<End>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    at: Instant,
    is_told: bool,
}

/// What the time has come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nearing {
    /// The end is near, and the namespace is to be told.
    Soon,
    /// The end.
    Over,
}

impl Expiry {
    /// Until then.
    pub(crate) fn new(at: Option<Instant>) -> Self {
        Self(at.map(|at| Box::new(End { at, is_told: false })))
    }

    /// When there is something to do next.
    pub(crate) fn next(&self) -> Option<Instant> {
        let End { at, is_told } = **self.0.as_ref()?;
        let notice = at.checked_sub(Notice::NOTICE).filter(|_| !is_told);
        Some(notice.unwrap_or(at))
    }

    /// What the time has come for; that it is near is said once.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Nearing> {
        let is_due = self.next()? <= now;
        let end = self.0.as_mut().filter(|_| is_due)?;
        if end.at <= now {
            return Some(Nearing::Over);
        }
        end.is_told = true;
        Some(Nearing::Soon)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_end_is_near_once_half_a_minute_before() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut expiry = Expiry::new(Some(after(100)));
        assert_eq!((expiry.next(), expiry.due(after(69))), (Some(after(70)), None));
        assert_eq!(expiry.due(after(70)), Some(Nearing::Soon));
        assert_eq!((expiry.next(), expiry.due(after(99))), (Some(after(100)), None));
        assert_eq!(expiry.due(after(100)), Some(Nearing::Over));
    }

    #[test]
    fn without_an_end_there_is_nothing_to_do() {
        let mut expiry = Expiry::new(None);
        assert_eq!((expiry.next(), expiry.due(Instant::now())), (None, None));
        assert_eq!(size_of::<Expiry>(), 8);
    }
}
