//! What comes from Kafka: records, and errors in their place.

use futures::FutureExt;
use jiff::Timestamp;
use rdkafka::{
    consumer::StreamConsumer,
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use tracing::warn;

use super::{Error, Follower, client::record, context::Context};
use crate::broadcast::Broadcast;

/// Records that are taken before what they give is sent, at most.
const BATCH_RECORDS: usize = 256;
/// Bytes of events that wait before they are sent, at most.
const BATCH_BYTES: usize = 64 * 1024;

impl Follower {
    /// Takes the record and those behind it that are at hand, then sends what they give.
    pub(super) fn take<'a>(
        &mut self,
        consumer: &'a StreamConsumer<Context>,
        first: Result<BorrowedMessage<'a>, KafkaError>,
        out: &mut impl Broadcast,
    ) {
        let (mut records, mut bytes, mut next) = (0, 0, Some(first));
        while let Some(result) = next {
            match result {
                Ok(message) => {
                    self.refusal.ended();
                    bytes += self.course.take(&record(&message), Timestamp::now(), out);
                    records += 1;
                }
                Err(error) => {
                    self.fail(error);
                    records += 1;
                }
            }
            let full = records >= BATCH_RECORDS || bytes >= BATCH_BYTES;
            next = if full { None } else { consumer.recv().now_or_never() };
        }
        if records > 0 {
            out.flush();
        }
    }

    pub(super) fn fail(&mut self, error: KafkaError) {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            Some(code @ (Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation)) => {
                warn!(%code, "a partition's next record is not in its log");
                // The error does not say which partition; the next statistics do, within a second.
                self.refused = true;
            }
            // The next look at the topics tells which.
            Some(
                Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicOrPartition | Code::UnknownTopicId,
            ) => self.wanted = true,
            // Of these the next look at the topics knows when they are over.
            Some(Code::BrokerTransportFailure | Code::AllBrokersDown | Code::Resolve | Code::OperationTimedOut) => {
                self.outage.failed(&Error::ReadRecords(error));
            }
            // Others, such as a topic that may be described but not read, only a record.
            _ => self.refusal.failed(&Error::ReadRecords(error)),
        }
    }
}
