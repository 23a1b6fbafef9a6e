//! Channels that somebody hears.

use std::collections::BTreeSet;

use super::{OF_USERS, Pattern};

/// Channels by name and by pattern: one of either kind suffices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Their names.
    pub names: BTreeSet<Box<str>>,
    /// Patterns of their names.
    pub patterns: BTreeSet<Pattern>,
}

impl Selection {
    /// Every channel but those of users.
    pub fn every() -> Self {
        Self { names: BTreeSet::new(), patterns: BTreeSet::from([Pattern::every()]) }
    }

    /// What the patterns take, and the channels of those names, said as shortly as can be told: clients that want the same in other words
    /// are served together. A pattern without `*` is a name, and beside `*` only what is of users says more.
    pub fn new(patterns: impl IntoIterator<Item = Pattern>, names: impl IntoIterator<Item = Box<str>>) -> Self {
        let (said, mut patterns): (BTreeSet<Pattern>, BTreeSet<Pattern>) =
            patterns.into_iter().partition(Pattern::is_name);
        let mut names: BTreeSet<Box<str>> = names.into_iter().collect();
        names.extend(said.iter().map(|pattern| Box::from(pattern.text())));
        let every = Pattern::every();
        if patterns.contains(&every) {
            patterns.retain(|pattern| *pattern == every || pattern.takes_users());
            names.retain(|name| name.starts_with(OF_USERS));
        }
        Self { names, patterns }
    }

    /// Whether the channel is one of them.
    pub fn takes(&self, channel: &str) -> bool {
        self.names.contains(channel) || self.patterns.iter().any(|pattern| pattern.takes(channel))
    }
}

impl From<BTreeSet<Box<str>>> for Selection {
    /// The channels of those names.
    fn from(names: BTreeSet<Box<str>>) -> Self {
        Self { names, patterns: BTreeSet::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(patterns: &[&str], names: &[&str]) -> Selection {
        Selection { names: texts(names), patterns: read(patterns) }
    }

    fn texts(names: &[&str]) -> BTreeSet<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    fn read(patterns: &[&str]) -> BTreeSet<Pattern> {
        patterns.iter().map(|text| Pattern::new(text).unwrap()).collect()
    }

    #[test]
    fn takes_channels_by_name_and_by_pattern() {
        let some = selection(&["orders.*"], &["user:7", "stock"]);
        for (channel, taken) in
            [("user:7", true), ("stock", true), ("orders.eu", true), ("orders", false), ("user:8", false)]
        {
            assert_eq!(some.takes(channel), taken, "{channel}");
        }
        assert!(!Selection::default().takes("any"), "nothing is wanted");
    }

    #[test]
    fn every_channel_is_none_of_a_user() {
        assert!(Selection::every().takes("any") && !Selection::every().takes("user:7"));
    }

    #[test]
    fn what_is_wanted_is_said_as_shortly_as_can_be() {
        let of = |patterns: &[&str], names: &[&str]| Selection::new(read(patterns), texts(names));
        assert_eq!(of(&["orders", "stock.*"], &["default"]), selection(&["stock.*"], &["default", "orders"]));
        assert_eq!(of(&["*", "o*", "user:a*"], &["stock", "user:7"]), selection(&["*", "user:a*"], &["user:7"]));
        assert_eq!(of(&["o*", "user:7"], &[]), selection(&["o*"], &["user:7"]));
    }
}
