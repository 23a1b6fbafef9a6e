//! What becomes of a record: broadcast, or skipped and counted.

use std::collections::{HashSet, VecDeque};

use realtime_contract::event::{InvalidProductEvent, ProductEvent, ProductEventType};
use thiserror::Error;

/// Ids that are remembered.
pub(crate) const REMEMBERED: usize = 10_000;
/// Bytes of an id at most: all that are remembered fit into a few megabytes.
const ID_BYTES: usize = 256;

/// Why a record is not broadcast.
#[derive(Debug, Error)]
pub(crate) enum Skip {
    /// It has no value.
    #[error("failed to read the record: it has no value")]
    ReadValue,
    /// Its value is no text.
    #[error("failed to read the record as text")]
    ReadText(#[source] std::str::Utf8Error),
    /// It is no product event.
    #[error("failed to read the record as a product event")]
    ReadEvent(#[source] InvalidProductEvent),
    /// Its id is longer than any that is remembered.
    #[error("failed to remember the event's id: it has {bytes} bytes, {ID_BYTES} are allowed")]
    RememberId { bytes: usize },
    /// Its id stands among the last ones.
    #[error("failed to take event {id} as new: it came before")]
    TakeAsNew { id: String },
}

impl Skip {
    /// Label of the metric.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::ReadValue | Self::ReadText(_) | Self::ReadEvent(_) | Self::RememberId { .. } => "invalid",
            Self::TakeAsNew { .. } => "duplicate",
        }
    }
}

/// A record that is to be broadcast.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Accepted<'a> {
    pub(crate) kind: ProductEventType,
    pub(crate) text: &'a str,
}

/// The last ids.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl Intake {
    /// Checks a record and remembers its id.
    pub(crate) fn take<'a>(&mut self, value: Option<&'a [u8]>) -> Result<Accepted<'a>, Skip> {
        let value = value.ok_or(Skip::ReadValue)?;
        let event = ProductEvent::from_record(value).map_err(Skip::ReadEvent)?;
        let text = std::str::from_utf8(value).map_err(Skip::ReadText)?;
        if event.id.len() > ID_BYTES {
            return Err(Skip::RememberId { bytes: event.id.len() });
        }
        if !self.known.insert(event.id.clone()) {
            return Err(Skip::TakeAsNew { id: event.id });
        }
        self.order.push_back(event.id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        Ok(Accepted { kind: event.kind, text })
    }
}

/// The name of a type, as it stands in the event.
pub(crate) const fn name(kind: ProductEventType) -> &'static str {
    match kind {
        ProductEventType::ProductCreated => "ProductCreated",
        ProductEventType::ProductUpdated => "ProductUpdated",
        ProductEventType::ProductDeleted => "ProductDeleted",
        ProductEventType::LowStockWarning => "LowStockWarning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> Vec<u8> {
        format!(r#"{{"id":"{id}","type":"ProductUpdated","timestamp":"t","product":{{"id":"p"}}}}"#).into_bytes()
    }

    #[test]
    fn takes_an_event_once() {
        let mut intake = Intake::default();
        let record = record("a");
        let accepted = intake.take(Some(&record)).unwrap();
        assert_eq!((accepted.kind, accepted.text.as_bytes()), (ProductEventType::ProductUpdated, record.as_slice()));
        assert_eq!(intake.take(Some(&record)).unwrap_err().outcome(), "duplicate");
    }

    #[test]
    fn forgets_ids_beyond_the_window_and_no_earlier() {
        let mut intake = Intake::default();
        for number in 0..REMEMBERED {
            intake.take(Some(&record(&number.to_string()))).unwrap();
        }
        assert!(intake.take(Some(&record("0"))).is_err(), "still in the window");
        intake.take(Some(&record("new"))).unwrap();
        assert!(intake.take(Some(&record("0"))).is_ok(), "left the window");
        assert!(intake.take(Some(&record("2"))).is_err(), "still in the window");
        assert_eq!((intake.known.len(), intake.order.len()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn skips_what_is_no_event_and_does_not_remember_it() {
        let mut intake = Intake::default();
        for value in [None, Some(&b"no json"[..]), Some(b"{\"id\":\"a\"}"), Some(b"{\"id\":\"\xff\"}")] {
            assert_eq!(intake.take(value).unwrap_err().outcome(), "invalid");
        }
        assert!(intake.known.is_empty());
    }

    #[test]
    fn skips_ids_that_are_too_long() {
        let mut intake = Intake::default();
        assert_eq!(intake.take(Some(&record(&"x".repeat(257)))).unwrap_err().outcome(), "invalid");
        assert!(intake.known.is_empty());
        assert!(intake.take(Some(&record(&"x".repeat(256)))).is_ok());
    }

    #[test]
    fn names_of_types_are_those_of_their_json() {
        for kind in ProductEventType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), name(kind));
        }
    }
}
