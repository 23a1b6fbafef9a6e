//! How long a client that took over from another one is let be.

use std::time::Duration;

use tokio::time::Instant;

/// From the first client that is given up to the next one; each time twice as long.
pub const SHORTEST: Duration = Duration::from_secs(10);
/// At most.
pub const LONGEST: Duration = Duration::from_secs(300);

/// When a client was given up last, and how long the next one is let be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience(Option<(Instant, Duration)>);

impl Patience {
    /// No client was given up yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Whether a client may be given up now.
    #[must_use]
    pub fn is_over(self, now: Instant) -> bool {
        self.0.is_none_or(|(at, patience)| now - at >= patience)
    }

    /// Another client takes over.
    #[must_use]
    pub fn after_giving_up(self, now: Instant) -> Self {
        let patience = self.0.map_or(SHORTEST, |(_, patience)| (patience * 2).min(LONGEST));
        Self(Some((now, patience)))
    }
}
