//! Which notifications a request asks for, of those that its client may read.

use std::collections::BTreeSet;

use realtime_access::{Access, Refusal, Scope};
use realtime_contract::{
    channel::{Pattern, of_user, user_of},
    event::NotificationStatus,
};
use serde::Serialize;

/// Notifications that are asked for. Two that ask for the same are equal, so it can be the key of a cache: it says what the client may read, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Selection {
    pub(crate) channels: Channels,
    /// One of these types, in order, or any.
    pub(crate) kinds: Option<Vec<String>>,
    pub(crate) status: Option<NotificationStatus>,
    /// Read by its user, or not yet.
    pub(crate) read: Option<bool>,
}

impl Selection {
    /// Everything in those channels.
    pub(crate) const fn of(channels: Channels) -> Self {
        Self { channels, kinds: None, status: None, read: None }
    }

    /// Whether rows of its channels may not be asked for, so that many of them may have to be looked at for a page.
    pub(crate) fn skips(&self) -> bool {
        let patterns = self.channels.public.iter().chain(&self.channels.users);
        self.kinds.is_some()
            || self.status.is_some()
            || self.read.is_some()
            || patterns.into_iter().any(|like| like != EVERY)
    }
}

/// The pattern of `LIKE` for any text.
const EVERY: &str = "%";

/// Channels, no one of them twice: by name, and by patterns as `LIKE` has them, of channels that are no user's and of users' ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Channels {
    pub(crate) names: Vec<String>,
    pub(crate) public: Vec<String>,
    pub(crate) users: Vec<String>,
}

impl Channels {
    /// All that the client may read.
    pub(crate) fn readable(access: &Access) -> Self {
        let mut names: BTreeSet<String> = access.user.as_deref().map(of_user).into_iter().collect();
        let patterns = match &access.subscribe {
            Scope::Everything => BTreeSet::from([Pattern::every()]),
            Scope::Patterns(patterns) => patterns.clone(),
        };
        let (exact, patterns): (Vec<_>, Vec<_>) = patterns.into_iter().partition(Pattern::is_name);
        names.extend(exact.iter().map(|name| name.text().to_owned()));
        names.retain(|name| !patterns.iter().any(|pattern| pattern.takes(name)));
        let (users, public): (Vec<_>, Vec<_>) = patterns.iter().partition(|pattern| pattern.takes_users());
        let like = |patterns: Vec<&Pattern>| patterns.into_iter().map(like).collect();
        Self { names: names.into_iter().collect(), public: like(public), users: like(users) }
    }

    /// Those, if the client may read each of them.
    ///
    /// # Errors
    /// [`Refusal::Channel`] if it may not.
    pub(crate) fn named(names: BTreeSet<String>, access: &Access) -> Result<Self, Refusal> {
        if !names.iter().all(|name| access.may_subscribe(name)) {
            return Err(Refusal::Channel);
        }
        Ok(Self { names: names.into_iter().collect(), ..Self::default() })
    }

    /// Whether a user's channel is among the names: few others ask for the same.
    pub(crate) fn names_users(&self) -> bool {
        self.names.iter().any(|name| user_of(name).is_some())
    }

    /// Into how many reads of an index they come apart.
    pub(crate) fn sources(&self) -> usize {
        self.names.len() + usize::from(!self.public.is_empty()) + usize::from(!self.users.is_empty())
    }
}

/// The pattern in the language of `LIKE`, in which `_` stands for a character unless it is escaped. Patterns have no `%` and no backslash.
fn like(pattern: &Pattern) -> String {
    pattern.text().replace('_', "\\_").replace('*', EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(user: &str, patterns: &[&str]) -> Access {
        let subscribe = Scope::Patterns(patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect());
        Access { user: Some(user.into()), subscribe, ..Access::anonymous() }
    }

    fn channels(names: &[&str], public: &[&str], users: &[&str]) -> Channels {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Channels { names: texts(names), public: texts(public), users: texts(users) }
    }

    #[test]
    fn everyone_reads_all_but_the_channels_of_users_where_nobody_is_asked() {
        let readable = Channels::readable(&Access::anonymous());
        assert_eq!(readable, channels(&[], &["%"], &[]));
        assert!(!Selection::of(readable).skips());
    }

    #[test]
    fn a_user_reads_what_its_claims_say_and_its_own_channel() {
        let readable = Channels::readable(&access("7", &["orders", "shop_*", "user:team-*"]));
        assert_eq!(readable, channels(&["orders", "user:7"], &["shop\\_%"], &["user:team-%"]));
        assert_eq!(readable.sources(), 4);
        assert!(Selection::of(readable).skips());
    }

    #[test]
    fn no_channel_is_read_twice() {
        let readable = Channels::readable(&access("7", &["*", "orders", "user:*", "user:8"]));
        assert_eq!(readable, channels(&[], &["%"], &["user:%"]));
    }

    #[test]
    fn channels_that_are_named_must_be_permitted() {
        let named = |names: &[&str], access: &Access| {
            Channels::named(names.iter().map(|name| (*name).to_owned()).collect(), access)
        };
        let user = access("7", &["*"]);
        assert_eq!(named(&["orders", "user:7"], &user), Ok(channels(&["orders", "user:7"], &[], &[])));
        assert_eq!(named(&["orders", "user:8"], &user), Err(Refusal::Channel));
        assert_eq!(named(&["user:8"], &Access::anonymous()), Ok(channels(&["user:8"], &[], &[])));
    }
}
