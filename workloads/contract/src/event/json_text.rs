//! JSON that is passed on and not looked into.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One JSON value as its text. A tree of values takes many times the memory of the text that it was read from; this takes as much as the text.
/// Two are equal when their texts are, byte for byte.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// The value's JSON.
    ///
    /// # Errors
    /// When the value has no form in JSON, as a map whose keys are not text.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// Takes text that is JSON.
    ///
    /// # Errors
    /// When it is not.
    pub fn from_text(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// Reads the text through, keeping nothing of it.
    ///
    /// # Errors
    /// When readers of JSON could stumble over it: a number out of range, half a surrogate pair, nesting beyond 128 levels, or the character
    /// U+0000, which Postgres does not store.
    pub fn check(&self) -> Result<(), serde_json::Error> {
        Checked.deserialize(&mut serde_json::Deserializer::from_str(self.text()))
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for JsonText {}

/// Visits every part of a value.
#[derive(Clone, Copy)]
struct Checked;

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if text.contains('\0') { Err(E::custom("the text contains the character U+0000")) } else { Ok(()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while fields.next_key_seed(self)?.is_some() {
            fields.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        JsonText::from_text(text.to_owned()).unwrap().check().map_err(|error| error.to_string())
    }

    #[test]
    fn keeps_the_text_byte_for_byte() {
        let text = r#"{"z": 1.50, "a":[true ]}"#;
        let value: JsonText = serde_json::from_str(text).unwrap();
        assert_eq!(value.text(), text);
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
    }

    #[test]
    fn takes_every_kind_of_value() {
        assert_eq!(check(r#"{"a":[null,true,1,-1,1.5e3,"\u00e4 \\u0000",{}]}"#), Ok(()));
    }

    #[test]
    fn finds_the_character_nul_at_any_depth_and_in_names() {
        for text in [r#""\u0000""#, r#"{"a":[{"b":"\u0000"}]}"#, r#"{"\u0000":1}"#] {
            assert!(check(text).unwrap_err().contains("U+0000"), "{text}");
        }
    }

    #[test]
    fn finds_what_readers_stumble_over() {
        for text in ["[1e999]", r#"["\ud800"]"#, &format!("{}{}", "[".repeat(200), "]".repeat(200))] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn refuses_text_that_is_no_json() {
        assert!(JsonText::from_text("{".to_owned()).is_err());
    }
}
