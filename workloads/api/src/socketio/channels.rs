//! Which channels a client of the namespace `/` hears.

use std::collections::BTreeSet;

use realtime_access::Access;
use realtime_contract::channel::{LENGTH, is_channel};
use realtime_fanout::Filter;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use thiserror::Error;

/// Channels that one client names at most.
const LIMIT: usize = 128;
/// Stands for every channel.
const EVERY: &str = "*";

/// Which channels a client hears. As JSON a list of names, or `"*"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Channels {
    /// All that the client may hear: what it hears that asks for nothing.
    #[default]
    All,
    /// Those, which may be none.
    Some(BTreeSet<Box<str>>),
}

/// Why a client's wish is refused; the sentence goes to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    #[error("channels must be the name of a channel, a list of names, or \"*\" for all")]
    ReadChannels,
    #[error("a channel's name has 1 to {LENGTH} of A-Z a-z 0-9 . _ : / - @ | + = ~")]
    ReadName,
    #[error("a connection may name {LIMIT} channels at most; name fewer, or \"*\" for all")]
    CountChannels,
    #[error("nothing was subscribed by name: subscribe to the channels that are wanted instead")]
    LeaveAll,
}

impl Channels {
    /// What a client names: a name, a list of names, or `"*"`.
    ///
    /// # Errors
    /// The sentence for the client.
    pub(crate) fn read(value: &Value) -> Result<Self, Refused> {
        let names: Vec<&str> = match value {
            Value::String(name) => vec![name],
            Value::Array(names) => {
                names.iter().map(Value::as_str).collect::<Option<_>>().ok_or(Refused::ReadChannels)?
            }
            _ => return Err(Refused::ReadChannels),
        };
        if names.contains(&EVERY) {
            return Ok(Self::All);
        }
        if !names.iter().all(|name| is_channel(name)) {
            return Err(Refused::ReadName);
        }
        Self::bounded(names.into_iter().map(Box::from).collect())
    }

    /// With these, too. From all channels, those that are named remain.
    ///
    /// # Errors
    /// When there would be too many.
    pub(crate) fn subscribe(&self, wanted: &Self) -> Result<Self, Refused> {
        match (self, wanted) {
            (_, Self::All) => Ok(Self::All),
            (Self::All, Self::Some(_)) => Ok(wanted.clone()),
            (Self::Some(before), Self::Some(more)) => Self::bounded(before | more),
        }
    }

    /// Without these, which may be none of its own.
    ///
    /// # Errors
    /// From all channels none can be taken away.
    pub(crate) fn unsubscribe(&self, unwanted: &Self) -> Result<Self, Refused> {
        match (self, unwanted) {
            (Self::All, _) => Err(Refused::LeaveAll),
            (Self::Some(_), Self::All) => Ok(Self::Some(BTreeSet::new())),
            (Self::Some(before), Self::Some(less)) => Ok(Self::Some(before - less)),
        }
    }

    /// Whether the client may hear them.
    pub(crate) fn are_permitted(&self, access: &Access) -> bool {
        match self {
            Self::All => true,
            Self::Some(names) => access.may_hear(names),
        }
    }

    /// What passes, for a client that may hear them.
    pub(crate) fn filter(&self, access: &Access) -> Filter {
        let channels = match self {
            Self::All => access.everything(),
            Self::Some(channels) => channels.clone().into(),
        };
        Filter { channels: Some(channels), ..Filter::default() }
    }

    fn bounded(names: BTreeSet<Box<str>>) -> Result<Self, Refused> {
        if names.len() > LIMIT { Err(Refused::CountChannels) } else { Ok(Self::Some(names)) }
    }
}

impl Serialize for Channels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str(EVERY),
            Self::Some(channels) => channels.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Channels {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use realtime_access::Scope;
    use realtime_contract::channel::Pattern;
    use serde_json::json;

    use super::*;

    fn some(names: &[&str]) -> Channels {
        Channels::Some(names.iter().map(|name| Box::from(*name)).collect())
    }

    fn many(count: usize) -> Channels {
        Channels::Some((0..count).map(|number| format!("c{number}").into()).collect())
    }

    #[test]
    fn reads_a_name_a_list_and_all() {
        assert_eq!(Channels::read(&json!("a")), Ok(some(&["a"])));
        assert_eq!(Channels::read(&json!(["b", "a", "b"])), Ok(some(&["a", "b"])));
        assert_eq!(Channels::read(&json!([])), Ok(some(&[])));
        assert_eq!(Channels::read(&json!("*")), Ok(Channels::All));
        assert_eq!(Channels::read(&json!(["a", "*"])), Ok(Channels::All));
    }

    #[test]
    fn refuses_what_names_no_channels() {
        for value in [json!(null), json!(7), json!(["a", 7]), json!({ "a": 1 })] {
            assert_eq!(Channels::read(&value), Err(Refused::ReadChannels), "{value}");
        }
        assert_eq!(Channels::read(&json!("a b")), Err(Refused::ReadName));
        assert_eq!(Channels::read(&json!([""])), Err(Refused::ReadName));
    }

    #[test]
    fn from_all_the_first_names_remain_and_further_ones_are_added() {
        let first = Channels::All.subscribe(&some(&["a"])).unwrap();
        assert_eq!(first, some(&["a"]));
        assert_eq!(first.subscribe(&some(&["b"])).unwrap(), some(&["a", "b"]));
        assert_eq!(first.subscribe(&Channels::All).unwrap(), Channels::All);
    }

    #[test]
    fn what_is_taken_away_may_leave_nothing() {
        let both = some(&["a", "b"]);
        assert_eq!(both.unsubscribe(&some(&["a", "c"])).unwrap(), some(&["b"]));
        assert_eq!(both.unsubscribe(&Channels::All).unwrap(), some(&[]));
        assert_eq!(Channels::All.unsubscribe(&some(&["a"])), Err(Refused::LeaveAll));
    }

    #[test]
    fn so_many_and_no_more() {
        let Ok(Channels::Some(names)) = many(127).subscribe(&some(&["a"])) else { panic!("there is room for one") };
        assert_eq!(names.len(), 128);
        assert_eq!(many(128).subscribe(&some(&["c1"])), Ok(many(128)));
        assert_eq!(many(128).subscribe(&some(&["a"])), Err(Refused::CountChannels));
        let names: Vec<String> = (0..129).map(|number| format!("c{number}")).collect();
        assert_eq!(Channels::read(&json!(names)), Err(Refused::CountChannels));
    }

    #[test]
    fn passes_what_was_asked_for_of_what_is_permitted() {
        let passes = |channels: &Channels, access: &Access, channel| {
            channels.filter(access).passes(channel, "notification", "{}")
        };
        let anyone = Access::anonymous();
        assert!(passes(&Channels::All, &anyone, "any") && !passes(&Channels::All, &anyone, "user:7"));
        assert!(passes(&some(&["user:7"]), &anyone, "user:7") && !passes(&some(&["a"]), &anyone, "b"));
        assert!(!passes(&some(&[]), &anyone, "a"));
        let patterns = [Pattern::new("a.*").unwrap()].into();
        let user = Access { user: Some("7".into()), subscribe: Scope::Patterns(patterns), ..anyone };
        assert!(passes(&Channels::All, &user, "a.b") && passes(&Channels::All, &user, "user:7"));
        assert!(!passes(&Channels::All, &user, "b") && !passes(&Channels::All, &user, "user:8"));
        assert!(Channels::All.are_permitted(&user) && some(&["a.b", "user:7"]).are_permitted(&user));
        assert!(!some(&["a.b", "b"]).are_permitted(&user));
    }

    #[test]
    fn reads_back_from_json() {
        for channels in [Channels::All, some(&[]), some(&["a", "b"])] {
            let text = serde_json::to_string(&channels).unwrap();
            assert_eq!(serde_json::from_str::<Channels>(&text).unwrap(), channels, "{text}");
        }
    }
}
