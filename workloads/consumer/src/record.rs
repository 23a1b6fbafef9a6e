//! A record of Kafka, as a value.

use std::collections::HashMap;

use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};

/// One record of the consumed topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// Partition that it stands in.
    pub(crate) partition: i32,
    /// Its place there.
    pub(crate) offset: i64,
    /// The key, when there is one.
    pub(crate) key: Option<Vec<u8>>,
    /// The value, when there is one.
    pub(crate) payload: Option<Vec<u8>>,
    /// Headers whose value is text.
    pub(crate) headers: HashMap<String, String>,
}

impl From<&BorrowedMessage<'_>> for Record {
    fn from(message: &BorrowedMessage<'_>) -> Self {
        let text = |header: rdkafka::message::Header<'_, &[u8]>| {
            let value = header.value.and_then(|value| std::str::from_utf8(value).ok())?;
            Some((header.key.to_owned(), value.to_owned()))
        };
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            payload: message.payload().map(<[u8]>::to_vec),
            headers: message.headers().map(|headers| headers.iter().filter_map(text).collect()).unwrap_or_default(),
        }
    }
}
