//! What stands behind an event's name, or in an acknowledgement.

use std::fmt;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use tracing::debug;

/// A list of JSON texts, and the bytes for which their placeholders, `{"_placeholder":true,"num":0}`, stand.
#[derive(Clone, Default)]
pub struct Arguments {
    values: Vec<Box<RawValue>>,
    attachments: Vec<Bytes>,
}

impl Arguments {
    /// None.
    pub const fn new() -> Self {
        Self { values: Vec::new(), attachments: Vec::new() }
    }

    /// Of values as they came. Placeholders in them are the caller's matter.
    pub const fn from_parts(values: Vec<Box<RawValue>>, attachments: Vec<Bytes>) -> Self {
        Self { values, attachments }
    }

    /// With one more. A value that JSON cannot say, such as a map whose keys are no texts, becomes `null`, as in JavaScript.
    #[must_use]
    pub fn with<T: Serialize + ?Sized>(self, value: &T) -> Self {
        let text = to_raw_value(value).unwrap_or_else(|error| {
            debug!(%error, "an argument is not JSON");
            RawValue::NULL.to_owned()
        });
        self.with_text(text)
    }

    /// With one more, which is JSON already.
    #[must_use]
    pub fn with_text(mut self, json: Box<RawValue>) -> Self {
        self.values.push(json);
        self
    }

    /// The value at this place, if there is one and it has this type.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Option<T> {
        self.values.get(index).and_then(|value| serde_json::from_str(value.get()).ok())
    }

    /// All values.
    pub fn values(&self) -> &[Box<RawValue>] {
        &self.values
    }

    /// All attachments, in the order of their numbers.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = formatter.debug_list();
        list.entries(self.values.iter().map(|value| value.get()));
        list.entries(self.attachments.iter().map(|bytes| format!("{} bytes", bytes.len()))).finish()
    }
}

impl PartialEq for Arguments {
    /// The same texts and the same bytes.
    fn eq(&self, other: &Self) -> bool {
        let texts =
            |arguments: &'_ Self| arguments.values.iter().map(|value| value.get().to_owned()).collect::<Vec<_>>();
        texts(self) == texts(other) && self.attachments == other.attachments
    }
}
