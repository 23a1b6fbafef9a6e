//! What a connection wants to hear.

use std::collections::BTreeSet;

use realtime_contract::channel::Selection;
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

    #[test]
    fn selects_by_channel_and_type() {
        let channels = names(&["orders", "stock"]).map(Selection::from);
        let filter = Filter { channels, kinds: names(&["Low"]), fields: Vec::new() };
        assert!(filter.passes("stock", "Low", DATA));
        assert!(!filter.passes("stock", "High", DATA));
        assert!(!filter.passes("default", "Low", DATA));
    }

    #[test]
    fn without_a_selection_no_channel_is_left_out() {
        let every = Filter { channels: Some(Selection::every()), ..Filter::default() };
        assert!(every.passes("any", "Any", DATA) && !every.passes("user:7", "Any", DATA));
        assert!(Filter::default().passes("user:7", "Any", DATA));
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
