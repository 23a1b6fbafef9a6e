//! Whether Redis is away, as far as the cache has noticed.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state of the cache's Redis, and how often something was lost.
#[derive(Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Default)]
struct State {
    is_away: bool,
    losses: u64,
}

impl Outage {
    pub(super) fn is_away(&self) -> bool {
        self.state().is_away
    }

    /// Something failed: a generation that was to be written may not be there. Whether an outage begins with it.
    pub(super) fn begin(&self) -> bool {
        let mut state = self.state();
        state.losses += 1;
        !std::mem::replace(&mut state.is_away, true)
    }

    /// The same for what is not even tried while Redis is away; whether it is.
    pub(super) fn note_loss_if_away(&self) -> bool {
        let mut state = self.state();
        state.losses += u64::from(state.is_away);
        state.is_away
    }

    /// How much was lost until now.
    pub(super) fn losses(&self) -> u64 {
        self.state().losses
    }

    /// Ends the outage if nothing was lost since `losses` were counted; whether it ended.
    pub(super) fn end(&self, losses: u64) -> bool {
        let mut state = self.state();
        if state.losses == losses {
            state.is_away = false;
        }
        !state.is_away
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_only_when_nothing_was_lost_since_it_was_made_up_for() {
        let outage = Outage::default();
        assert!(!outage.note_loss_if_away(), "nothing is away");
        assert!(outage.begin() && !outage.begin());
        let before = outage.losses();
        assert!(outage.note_loss_if_away());
        assert!(!outage.end(before) && outage.is_away());
        assert!(outage.end(outage.losses()) && !outage.is_away());
    }
}
