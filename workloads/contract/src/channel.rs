//! Names of channels, whose they are, patterns of them, and selections.
//!
//! A channel whose name begins with `user:` is the inbox of the user whose id follows. It is heard only by who names it, or whose pattern does:
//! `*` stands for every channel but those.

mod selection;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

pub use self::selection::Selection;

/// Bytes of a channel's name at most.
pub const LENGTH: usize = 128;
/// Beginning of the names of users' channels.
pub const OF_USERS: &str = "user:";

/// Whether the text can name a channel: 1 to 128 of `A-Z a-z 0-9 . _ : / - @ | + = ~`. A comma cannot stand in one, since it separates them in
/// queries, nor `*`, since it stands for others in patterns.
pub fn is_channel(text: &str) -> bool {
    (1..=LENGTH).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Whether the text can be the id of a user: then [`of_user`] gives a channel.
pub fn is_user(text: &str) -> bool {
    !text.is_empty() && text.len() <= LENGTH - OF_USERS.len() && text.bytes().all(is_allowed)
}

/// The channel of a user.
pub fn of_user(user: &str) -> String {
    format!("{OF_USERS}{user}")
}

/// The user whose channel it is.
pub fn user_of(channel: &str) -> Option<&str> {
    channel.strip_prefix(OF_USERS).filter(|user| !user.is_empty())
}

const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'/' | b'-' | b'@' | b'|' | b'+' | b'=' | b'~')
}

/// Channels by their names, in which `*` stands for any text, also none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Pattern(Box<str>);

/// A text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a pattern of channels has 1 to {LENGTH} of A-Z a-z 0-9 . _ : / - @ | + = ~ and *")]
pub struct InvalidPattern;

impl Pattern {
    /// The pattern of every channel but those of users.
    pub fn every() -> Self {
        Self("*".into())
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// When no channel's name could look like that.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let is_pattern =
            (1..=LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte == b'*' || is_allowed(byte));
        if is_pattern { Ok(Self(text.into())) } else { Err(InvalidPattern) }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether it names a channel, without `*`.
    pub fn is_name(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether it stands for channels of users, too, which it does only when it says so.
    pub fn takes_users(&self) -> bool {
        self.0.starts_with(OF_USERS)
    }

    /// Whether the channel is one of those.
    pub fn takes(&self, channel: &str) -> bool {
        (self.takes_users() || !channel.starts_with(OF_USERS)) && fits(&self.0, channel)
    }
}

/// Whether the text is the pattern with something in place of each `*`. The first place is taken where the next part fits: if any does, the first
/// does.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        let Some(place) = left.find(part) else { return false };
        left = &left[place + part.len()..];
    }
    true
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_has_a_name_that_a_query_can_say() {
        for name in ["default", "shop:1/orders", "user:auth0|7", "user:a+b@c.d", &"x".repeat(128)] {
            assert!(is_channel(name), "{name}");
        }
        for name in ["", "a,b", "a b", "a*", "ä", &"x".repeat(129)] {
            assert!(!is_channel(name), "{name}");
        }
    }

    #[test]
    fn a_user_has_a_channel() {
        assert_eq!(user_of(&of_user("7")), Some("7"));
        assert_eq!((user_of("user:"), user_of("users"), user_of("default")), (None, None, None));
        assert!(is_user(&"x".repeat(123)) && !is_user(&"x".repeat(124)) && !is_user("") && !is_user("a b"));
        assert!(is_channel(&of_user(&"x".repeat(123))));
    }

    #[test]
    fn a_pattern_takes_what_fits_it() {
        for (pattern, channel, taken) in [
            ("orders", "orders", true),
            ("orders", "orders.eu", false),
            ("orders.*", "orders.eu", true),
            ("orders.*", "orders.", true),
            ("orders.*", "orders", false),
            ("*.eu", "orders.eu", true),
            ("*.eu", "eu", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("**", "anything", true),
            ("*", "anything", true),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().takes(channel), taken, "{pattern} {channel}");
        }
    }

    #[test]
    fn a_pattern_takes_channels_of_users_only_when_it_says_so() {
        for (pattern, taken) in [("*", false), ("u*", false), ("user*", false), ("user:*", true), ("user:7", true)] {
            assert_eq!(Pattern::new(pattern).unwrap().takes("user:7"), taken, "{pattern}");
        }
    }

    #[test]
    fn refuses_what_is_no_pattern() {
        for text in ["", "a,b", "a b", "ä", &"x".repeat(129)] {
            assert_eq!(Pattern::new(text), Err(InvalidPattern), "{text}");
        }
        assert!(serde_json::from_str::<Pattern>("\"a b\"").unwrap_err().to_string().contains("pattern of channels"));
    }
}
