//! Whether a client gets a stream, and of which channels: who it is, how often it asks, and what it may hear.

use std::{net::IpAddr, time::Instant};

use jiff::Timestamp;
use realtime_access::{
    Access, Credential, Refusal, Scope,
    limits::{Charge, Limit, TooMany, Who},
};
use realtime_contract::{channel::of_user, time::milliseconds};
use realtime_fanout::{Expiry, Selection};
use serde_json::json;
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

/// The channels that a stream has: those that the client names, else all that it may hear, users' own ones only where nobody is asked who he is.
///
/// # Errors
/// [`Refusal::Channel`] when it may not hear one that it names.
pub(crate) fn channels(access: &Access, named: Option<Selection>) -> Result<Option<Selection>, Refusal> {
    match (named, &access.subscribe) {
        (Some(named), _) => {
            if named.names.iter().all(|name| access.may_subscribe(name)) {
                Ok(Some(named))
            } else {
                Err(Refusal::Channel)
            }
        }
        (None, Scope::Everything) => Ok(None),
        (None, Scope::Patterns(patterns)) => {
            let own = access.user.as_deref().map(|user| of_user(user).into());
            Ok(Some(Selection::new(patterns.iter().cloned(), own)))
        }
    }
}

/// When the stream ends because the access does.
pub(crate) fn expiry(access: &Access, now: Timestamp) -> Option<Expiry> {
    let expires = access.expires?;
    let left = expires.duration_since(now).try_into().unwrap_or_default();
    Some(Expiry {
        at: Instant::now().checked_add(left)?,
        notice: json!({ "expiresAt": milliseconds(expires) }).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use realtime_contract::channel::Pattern;

    use super::*;

    fn access(patterns: &[&str]) -> Access {
        let patterns = patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
        Access { user: Some("7".into()), subscribe: Scope::Patterns(patterns), ..Access::anonymous() }
    }

    fn named(names: &[&str]) -> Option<Selection> {
        Some(names.iter().map(|name| Box::from(*name)).collect())
    }

    #[test]
    fn everyone_hears_everything_where_nobody_is_asked() {
        assert_eq!(channels(&Access::anonymous(), None), Ok(None));
        assert_eq!(channels(&Access::anonymous(), named(&["user:8"])), Ok(named(&["user:8"])));
    }

    #[test]
    fn who_names_nothing_hears_all_that_the_token_permits_and_its_own_channel() {
        let selection = channels(&access(&["shop.*", "default"]), None).unwrap().unwrap();
        for (channel, heard) in
            [("shop.eu", true), ("default", true), ("user:7", true), ("user:8", false), ("x", false)]
        {
            assert_eq!(selection.takes(channel), heard, "{channel}");
        }
    }

    #[test]
    fn who_names_a_channel_that_is_not_permitted_is_refused() {
        let access = access(&["shop.*"]);
        assert_eq!(channels(&access, named(&["shop.eu", "user:7"])), Ok(named(&["shop.eu", "user:7"])));
        assert_eq!(channels(&access, named(&["shop.eu", "user:8"])), Err(Refusal::Channel));
        let none = Access { subscribe: Scope::Patterns(BTreeSet::new()), ..access };
        assert_eq!(channels(&none, named(&["shop.eu"])), Err(Refusal::Channel));
    }

    #[test]
    fn a_stream_ends_with_the_access() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let until = |expires| expiry(&Access { expires: Some(expires), ..Access::anonymous() }, now).unwrap();
        let begun = Instant::now();
        let end = until(now + Duration::from_secs(90));
        assert_eq!(end.notice, r#"{"expiresAt":"2027-01-15T08:01:30.000Z"}"#);
        assert!((begun + Duration::from_secs(90)..Instant::now() + Duration::from_secs(91)).contains(&end.at));
        assert!(until(now - Duration::from_secs(1)).at <= Instant::now(), "at once");
        assert_eq!(expiry(&Access::anonymous(), now), None);
    }
}
