//! One partition that is read for a client.

use std::time::Duration;

use jiff::Timestamp;
use rdkafka::{
    Message,
    consumer::{DefaultConsumerContext, base_consumer::PartitionQueue},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use realtime_fanout::{Filter, Lane};

use super::Error;
use crate::{
    check::{Checker, Verdict, channel},
    frame,
    window::Window,
};

/// Records that one look takes at most.
const AT_ONCE: usize = 1000;

/// A record that waits for its turn.
pub(super) struct Waiting {
    pub(super) offset: u64,
    /// In milliseconds since 1970; 0 when the record has no time.
    pub(super) time: i64,
    /// What the client gets, if it wants it.
    pub(super) data: Option<String>,
}

/// One partition that is read for a client.
pub(super) struct Source<'a> {
    pub(super) lane: Lane,
    /// What the client wants first.
    pub(super) next: u64,
    /// Where memory goes on.
    pub(super) goal: u64,
    pub(super) window: Window,
    pub(super) queue: PartitionQueue<DefaultConsumerContext>,
    pub(super) checker: &'a Checker,
    pub(super) filter: &'a Filter,
    /// The first record that was not told.
    pub(super) head: Option<Waiting>,
    /// Everything below the goal was read.
    pub(super) done: bool,
}

/// What a look at the partition gave.
#[derive(Debug)]
pub(super) enum Look {
    /// It goes on.
    Something,
    /// Nothing yet.
    Nothing,
    /// The client of the brokers has trouble that may pass.
    Trouble(KafkaError),
}

impl Source<'_> {
    /// Whether its first record must be known before others are told.
    pub(super) const fn lacks(&self) -> bool {
        !self.done && self.head.is_none()
    }

    /// Blocks up to `wait` for a record. Those before what the client wants only fill the window: many of them are taken at once.
    pub(super) fn look(&mut self, wait: Duration) -> Result<Look, Error> {
        let mut look = self.take(wait)?;
        for _ in 1..AT_ONCE {
            if !self.lacks() || !matches!(look, Look::Something) {
                break;
            }
            look = match self.take(Duration::ZERO)? {
                Look::Nothing => break,
                next => next,
            };
        }
        Ok(look)
    }

    fn take(&mut self, wait: Duration) -> Result<Look, Error> {
        let Some(result) = self.queue.poll(wait) else { return Ok(Look::Nothing) };
        match result {
            Ok(message) => {
                let offset = u64::try_from(message.offset()).unwrap_or_default();
                if offset >= self.goal {
                    self.done = true;
                } else {
                    let data = data(&message, offset, &mut self.window, self.checker, self.filter);
                    let time = message.timestamp().to_millis().unwrap_or_default();
                    self.head = (offset >= self.next).then_some(Waiting { offset, time, data });
                }
                Ok(Look::Something)
            }
            Err(KafkaError::PartitionEOF(_)) => {
                self.done = true;
                Ok(Look::Something)
            }
            Err(error) if is_lost(&error) => Err(Error::ReadRecords(error)),
            Err(error) => Ok(Look::Trouble(error)),
        }
    }
}

/// The partition will not go on by itself.
fn is_lost(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let lost = [
        Code::AutoOffsetReset,
        Code::OffsetOutOfRange,
        Code::LogTruncation,
        Code::UnknownTopic,
        Code::UnknownPartition,
        Code::UnknownTopicOrPartition,
        Code::UnknownTopicId,
        Code::TopicAuthorizationFailed,
    ];
    error.rdkafka_error_code().is_some_and(|code| lost.contains(&code))
}

fn data(
    message: &BorrowedMessage<'_>,
    offset: u64,
    window: &mut Window,
    checker: &Checker,
    filter: &Filter,
) -> Option<String> {
    let Verdict::Broadcast(event) = checker.judge(window, offset, message.payload()) else { return None };
    let data = frame::event(event.text, Timestamp::now());
    filter.passes(channel(message.key(), message.topic()), &event.kind, &data).then_some(data)
}
