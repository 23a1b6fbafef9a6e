//! Product events of the user's systems, as they stand in topic `product-events`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What happened to a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProductEventType {
    /// It exists now.
    ProductCreated,
    /// Some of its fields changed.
    ProductUpdated,
    /// It is gone.
    ProductDeleted,
    /// Its stock is low.
    LowStockWarning,
}

impl ProductEventType {
    /// Every type.
    pub const ALL: [Self; 4] =
        [Self::ProductCreated, Self::ProductUpdated, Self::ProductDeleted, Self::LowStockWarning];
}

/// The product as far as the event tells it: an update or a deletion need not name every field. Other fields of the record are
/// the producer's own, and pass unread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// Identity in the producer's system.
    pub id: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Price in the producer's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
    /// Pieces in stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
}

/// A product event. Broadcasters send the record's own bytes, so this type only proves that they are one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductEvent {
    /// Identity of the event: a second record with it is the same event.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: ProductEventType,
    /// When it happened, ISO 8601, as the producer wrote it.
    pub timestamp: String,
    /// To which product.
    pub product: Product,
}

/// The record is no product event.
#[derive(Debug, Error)]
pub enum InvalidProductEvent {
    /// It is not JSON of that shape.
    #[error("failed to read the record as a product event")]
    ReadShape {
        /// Which field, and what stands there.
        #[source]
        source: serde_json::Error,
    },
    /// Its identity is empty, so duplicates could not be told.
    #[error("failed to identify the product event: its id is empty")]
    IdentifyEvent,
}

impl ProductEvent {
    /// Reads a record's value.
    ///
    /// # Errors
    /// [`InvalidProductEvent`] when it is no product event; such a record is skipped and counted.
    pub fn from_record(value: &[u8]) -> Result<Self, InvalidProductEvent> {
        let event: Self = serde_json::from_slice(value).map_err(|source| InvalidProductEvent::ReadShape { source })?;
        if event.id.is_empty() { Err(InvalidProductEvent::IdentifyEvent) } else { Ok(event) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: &str = r#"{"id":"event-123","type":"ProductCreated","timestamp":"2026-11-21T06:00:00.000Z","product":{"id":"prod-456","name":"New Product","price":99.99,"stock":100}}"#;

    #[test]
    fn the_golden_form_reads_and_writes() {
        let event = ProductEvent::from_record(CREATED.as_bytes()).unwrap();
        assert_eq!(event.product.price, Some(99.99));
        assert_eq!(serde_json::to_string(&event).unwrap(), CREATED);
    }

    #[test]
    fn every_type_is_read_by_its_name() {
        for kind in ProductEventType::ALL {
            let record = CREATED.replace("ProductCreated", &format!("{kind:?}"));
            assert_eq!(ProductEvent::from_record(record.as_bytes()).unwrap().kind, kind);
        }
    }

    #[test]
    fn a_deletion_needs_only_the_product_id() {
        let record = br#"{"id":"e","type":"ProductDeleted","timestamp":"t","product":{"id":"p","reason":"old"}}"#;
        assert_eq!(ProductEvent::from_record(record).unwrap().product.name, None);
    }

    #[test]
    fn refuses_unknown_types_missing_products_and_empty_ids() {
        let unknown = CREATED.replace("ProductCreated", "ProductSold");
        let missing = r#"{"id":"e","type":"ProductDeleted","timestamp":"t"}"#;
        let empty = CREATED.replace("event-123", "");
        for record in [unknown.as_str(), missing, empty.as_str(), "[]", "no json"] {
            assert!(ProductEvent::from_record(record.as_bytes()).is_err(), "{record}");
        }
    }
}
