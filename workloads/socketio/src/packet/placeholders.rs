//! Whether every placeholder stands for an attachment. One that does not would disconnect every client that gets it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// Checks values whose packet has so many attachments. Values nested deeper than serde_json goes, 128 levels, are refused.
pub(super) fn check(values: &[Box<RawValue>], attachments: usize) -> Result<(), serde_json::Error> {
    for value in values {
        Walk { attachments }.deserialize(&mut serde_json::Deserializer::from_str(value.get()))?;
    }
    Ok(())
}

/// What a value is, as far as placeholders are concerned.
enum Kind {
    True,
    Number(Option<usize>),
    Other,
}

#[derive(Deserialize)]
#[serde(field_identifier)]
enum Field {
    #[serde(rename = "_placeholder")]
    Placeholder,
    #[serde(rename = "num")]
    Number,
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy)]
struct Walk {
    attachments: usize,
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = Kind;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(if value { Kind::True } else { Kind::Other })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Number(usize::try_from(value).ok()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
        Ok(Kind::Number(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Kind, E> {
        Ok(Kind::Number(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(Kind::Other)
    }

    /// Of fields with one name the last counts, as in JavaScript.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut is_placeholder = false;
        let mut number = None;
        while let Some(field) = map.next_key::<Field>()? {
            let value = map.next_value_seed(self)?;
            match (field, value) {
                (Field::Placeholder, value) => is_placeholder = matches!(value, Kind::True),
                (Field::Number, Kind::Number(value)) => number = value,
                (Field::Number, _) => number = None,
                (Field::Other, _) => (),
            }
        }
        match number {
            _ if !is_placeholder => Ok(Kind::Other),
            Some(number) if number < self.attachments => Ok(Kind::Other),
            _ => Err(A::Error::custom("a placeholder stands for no attachment")),
        }
    }
}
