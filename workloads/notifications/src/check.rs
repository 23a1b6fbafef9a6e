//! What a record is: an event, a duplicate, or no event at all.

use std::{borrow::Cow, collections::HashMap, fs, io, path::Path};

use jsonschema::{PatternOptions, ValidationError, Validator};
use realtime_contract::event::{InvalidProductEvent, ProductEvent, ProductEventType};
use serde::{
    Deserialize,
    de::{IntoDeserializer, value::Error as NameError},
};
use serde_json::Value;
use thiserror::Error;

use crate::window::Window;

/// Bytes of an id, and of a channel.
const NAME_BYTES: usize = 256;

/// The schemas cannot be used.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The file.
    #[error("failed to read the schemas in {path}")]
    ReadFile { path: String, source: io::Error },
    /// Its content.
    #[error("failed to read the schemas as a list of objects with type and schema")]
    ReadList(#[source] serde_json::Error),
    /// An event's type that cannot be one.
    #[error("failed to take {kind:?} as the type of a schema: {reason}")]
    TakeType { kind: String, reason: &'static str },
    /// One of the schemas.
    #[error("failed to compile the schema of type {kind}, at {place:?}")]
    CompileSchema { kind: String, place: String, source: Box<ValidationError<'static>> },
}

/// Why a record is no event.
#[derive(Debug, Error)]
pub(crate) enum Invalid {
    /// It has no value.
    #[error("failed to read the record: it has no value")]
    ReadValue,
    /// Its value is no text.
    #[error("failed to read the record as text")]
    ReadText(#[source] std::str::Utf8Error),
    /// It is no JSON object with an id and a type.
    #[error("failed to read the record as an event")]
    ReadEvent(#[source] serde_json::Error),
    /// Its id is empty, or longer than any that is remembered.
    #[error("failed to remember the event's id: it has {bytes} bytes, 1 to {NAME_BYTES} are allowed")]
    RememberId { bytes: usize },
    /// There is no schema for its type.
    #[error("failed to find the schema of the event's type")]
    FindSchema,
    /// It is a product event by its type alone.
    #[error("failed to read the record as a product event")]
    ReadProductEvent(#[source] InvalidProductEvent),
    /// It is not what its type's schema says.
    #[error("failed to match the schema of type {kind}: {reason}")]
    MatchSchema { kind: String, reason: String },
}

impl Invalid {
    /// Every reason, for the metrics.
    pub(crate) const REASONS: [&str; 6] = ["empty", "text", "event", "id", "type", "schema"];

    /// Label in metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::ReadValue => "empty",
            Self::ReadText(_) => "text",
            Self::ReadEvent(_) => "event",
            Self::RememberId { .. } => "id",
            Self::FindSchema => "type",
            Self::ReadProductEvent(_) | Self::MatchSchema { .. } => "schema",
        }
    }
}

/// An event, as the record tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    pub(crate) kind: Cow<'a, str>,
    /// The whole record: the text of a JSON object.
    pub(crate) text: &'a str,
}

/// What a record is.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    Broadcast(Event<'a>),
    Duplicate,
    Invalid(Invalid),
}

/// Knows the event types: product events, and those that have a schema.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    schemas: HashMap<String, Validator>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    schema: Value,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

impl Checker {
    /// Reads the schemas of a file: `[{"type": "OrderPlaced", "schema": {...}}]`.
    ///
    /// # Errors
    /// [`enum@Error`] when one of them cannot be used.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let shown = || path.display().to_string();
        Self::new(&fs::read_to_string(path).map_err(|source| Error::ReadFile { path: shown(), source })?)
    }

    /// Compiles the schemas.
    ///
    /// # Errors
    /// [`enum@Error`] when one of them cannot be used.
    pub(crate) fn new(list: &str) -> Result<Self, Error> {
        let entries: Vec<Entry> = serde_json::from_str(list).map_err(Error::ReadList)?;
        let mut schemas = HashMap::new();
        for Entry { kind, schema } in entries {
            let refused = |reason| Err(Error::TakeType { kind: kind.clone(), reason });
            if kind.is_empty() || kind.len() > NAME_BYTES {
                return refused("a type has 1 to 256 bytes");
            }
            if is_product_event(&kind) {
                return refused("product events have a form of their own");
            }
            if schemas.contains_key(&kind) {
                return refused("it stands there twice");
            }
            let compiled = compile(&schema).map_err(|source| compile_error(&kind, source))?;
            schemas.insert(kind, compiled);
        }
        Ok(Self { schemas })
    }

    /// What the record at that offset of a partition is. Its id is remembered in the partition's window.
    pub(crate) fn judge<'a>(&self, window: &mut Window, offset: u64, value: Option<&'a [u8]>) -> Verdict<'a> {
        match self.check(value) {
            Ok((id, event)) if window.admit(offset, &id) => Verdict::Broadcast(event),
            Ok(_) => Verdict::Duplicate,
            Err(invalid) => Verdict::Invalid(invalid),
        }
    }

    /// Id and content of an event.
    fn check<'a>(&self, value: Option<&'a [u8]>) -> Result<(Cow<'a, str>, Event<'a>), Invalid> {
        let value = value.ok_or(Invalid::ReadValue)?;
        let text = std::str::from_utf8(value).map_err(Invalid::ReadText)?;
        // A list of two texts would do for serde, too.
        let object = text.trim_start().starts_with('{');
        let head = if object { text } else { "{}" };
        let Head { id, kind } = serde_json::from_str(head).map_err(Invalid::ReadEvent)?;
        if id.is_empty() || id.len() > NAME_BYTES {
            return Err(Invalid::RememberId { bytes: id.len() });
        }
        if is_product_event(&kind) {
            ProductEvent::from_record(value).map_err(Invalid::ReadProductEvent)?;
        } else {
            let schema = self.schemas.get(kind.as_ref()).ok_or(Invalid::FindSchema)?;
            let instance = serde_json::from_str(text).map_err(Invalid::ReadEvent)?;
            schema.validate(&instance).map_err(|error| {
                let reason = format!("{} at {:?}", error.masked(), error.instance_path().as_str());
                Invalid::MatchSchema { kind: kind.clone().into_owned(), reason }
            })?;
        }
        Ok((id, Event { kind, text }))
    }
}

/// The channel of a record: its key, when that is a text of at most 256 bytes, else the topic's name.
pub(crate) fn channel<'a>(key: Option<&'a [u8]>, topic: &'a str) -> &'a str {
    let key = key.filter(|key| !key.is_empty() && key.len() <= NAME_BYTES);
    key.and_then(|key| std::str::from_utf8(key).ok()).unwrap_or(topic)
}

fn is_product_event(kind: &str) -> bool {
    let kind: Result<ProductEventType, NameError> = ProductEventType::deserialize(kind.into_deserializer());
    kind.is_ok()
}

/// Patterns are matched in linear time, so no record can hold the reader up; a pattern that looks around is refused. Nothing is fetched.
fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options().with_pattern_options(PatternOptions::regex()).build(schema)
}

fn compile_error(kind: &str, source: ValidationError<'static>) -> Error {
    let place = source.instance_path().as_str().to_owned();
    Error::CompileSchema { kind: kind.to_owned(), place, source: Box::new(source) }
}

#[cfg(test)]
mod tests;
