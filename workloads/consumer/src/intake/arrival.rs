//! What Kafka delivers at once: as much as goes into one batch.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::debug;

use crate::record::Record;

/// Records in one batch, at most.
const RECORDS: usize = 500;
/// Bytes of keys and values after which a batch ends. The record that reaches it is the last one, so a batch has at least one.
const BYTES: usize = 1024 * 1024;

/// Records, and what came behind them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arrived {
    /// In the order of their arrival.
    pub(super) records: Vec<Record>,
    /// An offset is outside the log: its partition delivers nothing until it is taken up anew. The client says it once.
    pub(super) is_reset: bool,
}

/// The first delivery and, from `more`, those that are here already.
///
/// # Errors
/// The first delivery's own; the client tries again by itself.
pub(super) fn gather(
    first: Result<Record, KafkaError>,
    mut more: impl FnMut() -> Option<Result<Record, KafkaError>>,
) -> Result<Arrived, KafkaError> {
    let mut arrived = Arrived::default();
    let mut bytes = 0;
    let mut delivery = match first {
        Err(error) if !is_reset(&error) => return Err(error),
        first => Some(first),
    };
    while let Some(delivered) = delivery {
        match delivered {
            Ok(record) => {
                bytes += size(&record);
                arrived.records.push(record);
            }
            Err(error) if is_reset(&error) => {
                arrived.is_reset = true;
                break;
            }
            // It comes again, or is the client's own matter; what arrived must not be lost for it.
            Err(error) => debug!(error = &error as &dyn std::error::Error, "kafka did not deliver"),
        }
        delivery = if arrived.records.len() < RECORDS && bytes < BYTES { more() } else { None };
    }
    Ok(arrived)
}

const fn is_reset(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))
}

fn size(record: &Record) -> usize {
    record.key.as_ref().map_or(0, Vec::len) + record.payload.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESET: KafkaError = KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset);
    const DOWN: KafkaError = KafkaError::MessageConsumption(RDKafkaErrorCode::AllBrokersDown);

    fn record(offset: i64, bytes: usize) -> Record {
        Record { offset, payload: Some(vec![b'x'; bytes]), ..Record::default() }
    }

    fn gathered(deliveries: Vec<Result<Record, KafkaError>>) -> (Vec<i64>, bool) {
        let mut deliveries = deliveries.into_iter();
        let arrived = gather(deliveries.next().unwrap(), || deliveries.next()).unwrap();
        (arrived.records.iter().map(|record| record.offset).collect(), arrived.is_reset)
    }

    #[test]
    fn a_batch_ends_where_nothing_more_is_here() {
        assert_eq!(gathered(vec![Ok(record(0, 1)), Ok(record(1, 1))]), (vec![0, 1], false));
    }

    #[test]
    fn a_batch_ends_at_the_number_of_records() {
        let (offsets, _) = gathered((0..600).map(|offset| Ok(record(offset, 1))).collect());
        assert_eq!(offsets.len(), 500);
    }

    #[test]
    fn a_batch_ends_behind_the_record_that_reaches_the_bytes() {
        let half = BYTES / 2 + 1;
        assert_eq!(gathered((0..5).map(|offset| Ok(record(offset, half))).collect()).0, [0, 1]);
        assert_eq!(gathered((0..5).map(|offset| Ok(record(offset, 2 * BYTES))).collect()).0, [0]);
    }

    #[test]
    fn records_before_an_offset_outside_the_log_are_kept() {
        assert_eq!(gathered(vec![Ok(record(0, 1)), Err(RESET), Ok(record(1, 1))]), (vec![0], true));
        assert_eq!(gathered(vec![Err(RESET), Ok(record(1, 1))]), (vec![], true));
    }

    #[test]
    fn records_on_both_sides_of_a_lost_broker_are_kept() {
        assert_eq!(gathered(vec![Ok(record(0, 1)), Err(DOWN), Ok(record(1, 1))]), (vec![0, 1], false));
        assert!(gather(Err(DOWN), || None).is_err());
    }
}
