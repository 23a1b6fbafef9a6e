//! Whether a client gets a stream, and of which channels: who it is, how often it asks, and what it may hear.

use std::{collections::BTreeSet, net::IpAddr};

use realtime_access::{
    Access, Credential, Refusal, Scope,
    limits::{Charge, Limit, TooMany, Who},
};
use realtime_contract::channel::Selection;
use thiserror::Error;

use crate::state::ServiceState;

/// Why a client gets no stream. The sentence is for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotAdmitted {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

/// What the client may do that shows this. An opening counts for its address, its user, and as a subscription; a refused one for its address.
/// What it shows is looked at once its address was counted, since that costs more than to count.
///
/// # Errors
/// [`NotAdmitted`].
pub(crate) async fn admit(
    state: &ServiceState,
    credential: Credential<'_>,
    address: IpAddr,
) -> Result<Access, NotAdmitted> {
    let charge = |limit, who| Charge { limit, who, cost: 1 };
    let of_address = charge(Limit::Address, Who::Address(address));
    if state.gate.asks() {
        state.limiter.take_all(&[of_address]).await?;
    }
    let access = state.gate.check(credential).await?;
    let charges = match access.user.as_deref().map(Who::User) {
        Some(user) => [charge(Limit::User, user), charge(Limit::Subscribe, user)],
        None => [of_address, charge(Limit::Subscribe, Who::Address(address))],
    };
    state.limiter.take_all(&charges).await?;
    Ok(access)
}

/// The channels that a stream has: those that the client names, else all that it may hear. Where nobody is asked who he is these are truly all,
/// users' own ones among them: the channel of an event is what its record says.
///
/// # Errors
/// [`Refusal::Channel`] when it may not hear one that it names.
pub(crate) fn channels(access: &Access, named: Option<BTreeSet<Box<str>>>) -> Result<Option<Selection>, Refusal> {
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
        assert_eq!(channels(&Access::anonymous(), None), Ok(None));
        let named = BTreeSet::from(["user:8".into()]);
        assert_eq!(channels(&Access::anonymous(), Some(named.clone())), Ok(Some(named.into())));
        let access = Access { subscribe: Scope::Patterns(BTreeSet::new()), ..Access::anonymous() };
        assert_eq!(channels(&access, None), Ok(Some(Selection::default())));
    }
}
