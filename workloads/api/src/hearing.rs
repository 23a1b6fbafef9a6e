//! What a client hears, and until when.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use realtime_access::{Access, Refusal, Scope};
use realtime_contract::{channel::of_user, time::milliseconds};
use realtime_fanout::{Expiry, Selection};
use serde_json::{Value, json};

/// All that the client may hear; where nobody is asked who he is, every channel but those of users.
pub(crate) fn everything(access: &Access) -> Selection {
    match &access.subscribe {
        Scope::Everything => Selection::every(),
        Scope::Patterns(patterns) => {
            let own = access.user.as_deref().map(|user| of_user(user).into());
            Selection::new(patterns.iter().cloned(), own)
        }
    }
}

/// The channels of those names.
///
/// # Errors
/// [`Refusal::Channel`] when the client may not hear one of them.
pub(crate) fn named(access: &Access, names: BTreeSet<Box<str>>) -> Result<Selection, Refusal> {
    if may_hear(access, &names) { Ok(names.into()) } else { Err(Refusal::Channel) }
}

/// Whether the client may hear each of them.
pub(crate) fn may_hear(access: &Access, names: &BTreeSet<Box<str>>) -> bool {
    names.iter().all(|name| access.may_subscribe(name))
}

/// When the access ends, on the clock of connections. What is over ends now.
pub(crate) fn end(access: &Access) -> Option<Instant> {
    let left = access.expires?.duration_since(Timestamp::now());
    Instant::now().checked_add(Duration::try_from(left).unwrap_or_default())
}

/// The end as a stream has it.
pub(crate) fn expiry(access: &Access) -> Option<Expiry> {
    Some(Expiry { at: end(access)?, notice: notice(access).to_string() })
}

/// What a client is told of the end: its time, or null.
pub(crate) fn notice(access: &Access) -> Value {
    json!({ "expiresAt": access.expires.map(milliseconds) })
}

#[cfg(test)]
mod tests {
    use realtime_contract::channel::Pattern;

    use super::*;

    fn access(patterns: &[&str]) -> Access {
        let patterns = patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
        Access { user: Some("7".into()), subscribe: Scope::Patterns(patterns), ..Access::anonymous() }
    }

    fn names(names: &[&str]) -> BTreeSet<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    #[test]
    fn who_names_nothing_hears_all_that_it_may() {
        let heard = |access: &Access| {
            let selection = everything(access);
            ["default", "shop.eu", "user:7", "user:8"].into_iter().filter(|name| selection.takes(name)).collect()
        };
        let of: Vec<&str> = heard(&Access::anonymous());
        assert_eq!(of, ["default", "shop.eu"]);
        let of: Vec<&str> = heard(&access(&["shop.*"]));
        assert_eq!(of, ["shop.eu", "user:7"]);
        let of: Vec<&str> = heard(&access(&["*"]));
        assert_eq!(of, ["default", "shop.eu", "user:7"]);
        let of: Vec<&str> = heard(&access(&["user:*"]));
        assert_eq!(of, ["user:7", "user:8"]);
    }

    #[test]
    fn channels_that_are_named_must_all_be_permitted() {
        let all = names(&["shop.eu", "user:7"]);
        assert_eq!(named(&access(&["shop.*"]), all.clone()), Ok(all.into()));
        assert_eq!(named(&access(&["shop.*"]), names(&["shop.eu", "user:8"])), Err(Refusal::Channel));
        let everyone = named(&Access::anonymous(), names(&["user:8"]));
        assert_eq!(everyone, Ok(names(&["user:8"]).into()));
    }

    #[test]
    fn an_access_ends_at_its_time_and_one_that_is_over_now() {
        let until = |seconds: i64| {
            let expires = Some(Timestamp::now() + jiff::SignedDuration::from_secs(seconds));
            end(&Access { expires, ..Access::anonymous() }).unwrap()
        };
        let now = Instant::now();
        assert!((now + Duration::from_secs(89)..now + Duration::from_secs(91)).contains(&until(90)));
        assert!(until(-90) <= Instant::now());
        assert_eq!((end(&Access::anonymous()), expiry(&Access::anonymous())), (None, None));
    }

    #[test]
    fn the_end_is_told_as_a_time() {
        let expires = Some("2026-11-21T06:00:00Z".parse().unwrap());
        assert_eq!(
            notice(&Access { expires, ..Access::anonymous() }).to_string(),
            r#"{"expiresAt":"2026-11-21T06:00:00.000Z"}"#
        );
        assert_eq!(notice(&Access::anonymous()), json!({ "expiresAt": null }));
    }
}
