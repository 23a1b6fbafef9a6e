//! What a client may do.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use realtime_contract::{
    channel::{Pattern, Selection, of_user, user_of},
    time::milliseconds,
};
use serde_json::{Value, json};

use crate::Refusal;

/// What a client may do, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who it is, the claim `sub`: it may hear that user's own channel, and read that user's inbox. `None` for who did not say.
    pub user: Option<Box<str>>,
    /// Channels that it may hear and read.
    pub subscribe: Scope,
    /// Channels that it may publish to.
    pub publish: Scope,
    /// When this ends; connections end then, too.
    pub expires: Option<Timestamp>,
}

/// A set of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every one: nobody asks who a client is.
    Everything,
    /// Those that a pattern takes.
    Patterns(BTreeSet<Pattern>),
}

impl Scope {
    /// Whether the channel is in it.
    pub fn takes(&self, channel: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.takes(channel)),
        }
    }
}

impl Access {
    /// What everyone may do where nobody is asked who he is.
    pub const fn anonymous() -> Self {
        Self { user: None, subscribe: Scope::Everything, publish: Scope::Everything, expires: None }
    }

    /// Whether it may hear and read the channel.
    pub fn may_subscribe(&self, channel: &str) -> bool {
        self.subscribe.takes(channel) || self.is_own(channel)
    }

    /// Whether it may hear each of those channels.
    pub fn may_hear(&self, names: &BTreeSet<Box<str>>) -> bool {
        names.iter().all(|name| self.may_subscribe(name))
    }

    /// The channels of those names, or, for a client that names none, all that it may hear.
    ///
    /// # Errors
    /// [`Refusal::Channel`] when it may not hear one that it names.
    pub fn hear(&self, named: Option<BTreeSet<Box<str>>>) -> Result<Selection, Refusal> {
        match named {
            Some(names) if self.may_hear(&names) => Ok(names.into()),
            Some(_) => Err(Refusal::Channel),
            None => Ok(self.everything()),
        }
    }

    /// All that it may hear; where nobody is asked who he is, every channel but those of users.
    pub fn everything(&self) -> Selection {
        match &self.subscribe {
            Scope::Everything => Selection::every(),
            Scope::Patterns(patterns) => {
                let own = self.user.as_deref().map(|user| of_user(user).into());
                Selection::new(patterns.iter().cloned(), own)
            }
        }
    }

    /// When this ends, on the clock of connections, on which it is `instant` now. What is over ends now.
    pub fn end(&self, now: Timestamp, instant: Instant) -> Option<Instant> {
        let left = self.expires?.duration_since(now);
        instant.checked_add(Duration::try_from(left).unwrap_or_default())
    }

    /// What a client is told of the end: its time, or null.
    pub fn notice(&self) -> Value {
        json!({ "expiresAt": self.expires.map(milliseconds) })
    }

    /// Whether it may publish to the channel.
    pub fn may_publish(&self, channel: &str) -> bool {
        self.publish.takes(channel)
    }

    /// Whether it is the channel of the user himself.
    fn is_own(&self, channel: &str) -> bool {
        self.user.as_deref().is_some_and(|user| user_of(channel) == Some(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(user: &str, patterns: &[&str]) -> Access {
        let patterns = patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
        Access {
            user: Some(user.into()),
            subscribe: Scope::Patterns(patterns),
            publish: Scope::Patterns(BTreeSet::new()),
            expires: None,
        }
    }

    #[test]
    fn anyone_may_do_everything_where_nobody_is_asked() {
        let access = Access::anonymous();
        assert!(access.may_subscribe("default") && access.may_subscribe("user:7") && access.may_publish("user:7"));
    }

    #[test]
    fn a_user_hears_its_own_channel_without_a_claim_and_no_other_users() {
        let access = access("7", &["*"]);
        assert!(access.may_subscribe(&of_user("7")));
        assert!(!access.may_subscribe(&of_user("8")));
        assert!(access.may_subscribe("default"));
    }

    fn names(names: &[&str]) -> BTreeSet<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    #[test]
    fn who_names_nothing_hears_all_that_it_may() {
        let heard = |access: &Access| -> Vec<&str> {
            let selection = access.hear(None).unwrap();
            ["default", "shop.eu", "user:7", "user:8"].into_iter().filter(|name| selection.takes(name)).collect()
        };
        assert_eq!(heard(&Access::anonymous()), ["default", "shop.eu"]);
        assert_eq!(heard(&access("7", &["shop.*"])), ["shop.eu", "user:7"]);
        assert_eq!(heard(&access("7", &["*"])), ["default", "shop.eu", "user:7"]);
        assert_eq!(heard(&access("7", &["user:*"])), ["user:7", "user:8"]);
        assert_eq!(heard(&access("7", &[])), ["user:7"]);
    }

    #[test]
    fn channels_that_are_named_must_all_be_permitted() {
        let all = names(&["shop.eu", "user:7"]);
        assert_eq!(access("7", &["shop.*"]).hear(Some(all.clone())), Ok(all.into()));
        assert_eq!(access("7", &["shop.*"]).hear(Some(names(&["shop.eu", "user:8"]))), Err(Refusal::Channel));
        assert_eq!(access("7", &[]).hear(Some(names(&["shop.eu"]))), Err(Refusal::Channel));
        assert_eq!(Access::anonymous().hear(Some(names(&["user:8"]))), Ok(names(&["user:8"]).into()));
    }

    #[test]
    fn an_access_ends_at_its_time_and_one_that_is_over_now() {
        let (now, instant) = (Timestamp::from_second(1_800_000_000).unwrap(), Instant::now());
        let end = |expires| Access { expires, ..Access::anonymous() }.end(now, instant);
        assert_eq!(end(Some(now + Duration::from_secs(90))), Some(instant + Duration::from_secs(90)));
        assert_eq!(end(Some(now - Duration::from_secs(90))), Some(instant));
        assert_eq!(end(None), None);
    }

    #[test]
    fn the_end_is_told_as_a_time() {
        let expires = Some("2026-11-21T06:00:00Z".parse().unwrap());
        let notice = Access { expires, ..Access::anonymous() }.notice();
        assert_eq!(notice.to_string(), r#"{"expiresAt":"2026-11-21T06:00:00.000Z"}"#);
        assert_eq!(Access::anonymous().notice(), json!({ "expiresAt": null }));
    }

    #[test]
    fn to_hear_is_not_to_publish() {
        let access = access("7", &["default"]);
        assert!(access.may_subscribe("default") && !access.may_subscribe("orders"));
        assert!(!access.may_publish("default") && !access.may_publish(&of_user("7")));
    }
}
