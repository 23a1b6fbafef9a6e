//! What a client may do.

use std::collections::BTreeSet;

use jiff::Timestamp;
use realtime_contract::channel::{Pattern, user_of};

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
    use realtime_contract::channel::of_user;

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

    #[test]
    fn to_hear_is_not_to_publish() {
        let access = access("7", &["default"]);
        assert!(access.may_subscribe("default") && !access.may_subscribe("orders"));
        assert!(!access.may_publish("default") && !access.may_publish(&of_user("7")));
    }
}
