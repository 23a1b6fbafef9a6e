//! Which channels a stream has.

use std::collections::BTreeSet;

use realtime_access::{Access, Refusal, Scope};
use realtime_contract::channel::Selection;

/// The channels that a stream has: those that the client names, else all that it may hear. Where nobody is asked who he is these are truly all,
/// users' own ones among them: the channel of an event is what its record says.
///
/// # Errors
/// [`Refusal::Channel`] when it may not hear one that it names.
pub(crate) fn of(access: &Access, named: Option<BTreeSet<Box<str>>>) -> Result<Option<Selection>, Refusal> {
    match (&named, &access.subscribe) {
        (None, Scope::Everything) => Ok(None),
        _ => access.hear(named).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_heard_where_nobody_is_asked_and_no_channel_is_named() {
        assert_eq!(of(&Access::anonymous(), None), Ok(None));
        let named = BTreeSet::from(["user:8".into()]);
        assert_eq!(of(&Access::anonymous(), Some(named.clone())), Ok(Some(named.into())));
        let access = Access { subscribe: Scope::Patterns(BTreeSet::new()), ..Access::anonymous() };
        assert_eq!(of(&access, None), Ok(Some(Selection::default())));
    }
}
