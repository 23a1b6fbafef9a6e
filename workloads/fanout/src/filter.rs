//! What a connection wants to hear.

use std::collections::BTreeSet;

use realtime_contract::channel::{OF_USERS, Pattern};
use serde_json::Value;

/// What a connection wants to hear: all conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Channels; `None` for truly all, users' channels among them.
    pub channels: Option<Selection>,
    /// Types; `None` for all.
    pub kinds: Option<BTreeSet<Box<str>>>,
    /// What stands in the event.
    pub fields: Vec<FieldFilter>,
}

/// Channels by name and by pattern: one of either kind suffices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Their names.
    pub names: BTreeSet<Box<str>>,
    /// Patterns of their names.
    pub patterns: BTreeSet<Pattern>,
}

/// Asks for one of some values at a place in the event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldFilter {
    /// Names of fields, from the outermost.
    pub path: Vec<Box<str>>,
    /// Text, numbers and truth values as their text; an object, a list and null equal nothing.
    pub values: BTreeSet<Box<str>>,
}

impl Filter {
    /// Whether an event with that JSON text passes.
    pub fn passes(&self, channel: &str, kind: &str, data: &str) -> bool {
        self.takes_channel(channel)
            && self.takes_kind(kind)
            && (self.fields.is_empty() || serde_json::from_str(data).is_ok_and(|data| self.takes_fields(&data)))
    }

    pub(crate) fn takes_channel(&self, channel: &str) -> bool {
        self.channels.as_ref().is_none_or(|channels| channels.takes(channel))
    }

    pub(crate) fn takes_kind(&self, kind: &str) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(kind))
    }

    pub(crate) fn takes_fields(&self, data: &Value) -> bool {
        self.fields.iter().all(|field| field.takes(data))
    }
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

impl FromIterator<Box<str>> for Selection {
    /// The channels of those names.
    fn from_iter<I: IntoIterator<Item = Box<str>>>(names: I) -> Self {
        Self { names: names.into_iter().collect(), patterns: BTreeSet::new() }
    }
}

impl From<BTreeSet<Box<str>>> for Selection {
    fn from(names: BTreeSet<Box<str>>) -> Self {
        Self { names, patterns: BTreeSet::new() }
    }
}

impl FieldFilter {
    fn takes(&self, data: &Value) -> bool {
        let place = self.path.iter().try_fold(data, |value, name| value.get(name.as_ref()));
        match place {
            Some(Value::String(text)) => self.values.contains(text.as_str()),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => self.values.contains(scalar.to_string().as_str()),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = r#"{"id":"e","product":{"id":"p-1","price":9.5,"sold":true,"tags":["new"],"none":null}}"#;

    fn names(names: &[&str]) -> Option<BTreeSet<Box<str>>> {
        Some(names.iter().map(|name| Box::from(*name)).collect())
    }

    fn field(path: &str, value: &str) -> Filter {
        let path = path.split('.').map(Box::from).collect();
        Filter { fields: vec![FieldFilter { path, values: BTreeSet::from([Box::from(value)]) }], ..Filter::default() }
    }

    #[test]
    fn passes_everything_unless_asked() {
        assert!(Filter::default().passes("any", "Any", DATA));
    }

    fn patterns(texts: &[&str]) -> BTreeSet<Pattern> {
        texts.iter().map(|text| Pattern::new(text).unwrap()).collect()
    }

    #[test]
    fn selects_by_channel_and_type() {
        let channels = names(&["orders", "stock"]).map(Selection::from);
        let filter = Filter { channels, kinds: names(&["Low"]), fields: Vec::new() };
        assert!(filter.passes("stock", "Low", DATA));
        assert!(!filter.passes("stock", "High", DATA));
        assert!(!filter.passes("default", "Low", DATA));
    }

    #[test]
    fn selects_by_names_and_patterns_of_channels() {
        let selection = Selection { names: names(&["user:7", "stock"]).unwrap(), patterns: patterns(&["orders.*"]) };
        for (channel, taken) in
            [("user:7", true), ("stock", true), ("orders.eu", true), ("orders", false), ("user:8", false)]
        {
            assert_eq!(selection.takes(channel), taken, "{channel}");
            let filter = Filter { channels: Some(selection.clone()), ..Filter::default() };
            assert_eq!(filter.passes(channel, "", DATA), taken, "{channel}");
        }
        assert!(!Selection::default().takes("any"), "nothing is wanted");
    }

    #[test]
    fn every_channel_is_none_of_a_user() {
        assert!(Selection::every().takes("any") && !Selection::every().takes("user:7"));
        assert!(Filter::default().passes("user:7", "Any", DATA), "without a selection there is no exception");
    }

    #[test]
    fn what_is_wanted_is_said_as_shortly_as_can_be() {
        let of = |texts: &[&str], wanted: &[&str]| Selection::new(patterns(texts), names(wanted).unwrap());
        let expected =
            |texts: &[&str], wanted: &[&str]| Selection { names: names(wanted).unwrap(), patterns: patterns(texts) };
        assert_eq!(of(&["orders", "stock.*"], &["default"]), expected(&["stock.*"], &["default", "orders"]));
        assert_eq!(of(&["*", "o*", "user:a*"], &["stock", "user:7"]), expected(&["*", "user:a*"], &["user:7"]));
        assert_eq!(of(&["o*", "user:7"], &[]), expected(&["o*"], &["user:7"]));
    }

    #[test]
    fn selects_by_scalars_in_the_event() {
        for (path, value) in [("id", "e"), ("product.id", "p-1"), ("product.price", "9.5"), ("product.sold", "true")] {
            assert!(field(path, value).passes("", "", DATA), "{path}");
            assert!(!field(path, "other").passes("", "", DATA), "{path}");
        }
    }

    #[test]
    fn what_is_no_scalar_equals_nothing() {
        for (path, value) in [("product", "p-1"), ("product.tags", "new"), ("product.none", "null"), ("a.b", "")] {
            assert!(!field(path, value).passes("", "", DATA), "{path}");
        }
        assert!(!field("id", "e").passes("", "", "no json"));
    }
}
