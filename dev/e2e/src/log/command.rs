//! What the process that talks to Kafka is told, and what it answers: one line of JSON each.

use serde::{Deserialize, Serialize};

/// A line of its input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Comes back with the outcome. Outcomes come in any order.
    pub number: u64,
    /// What it is to do.
    pub command: Command,
}

/// What it is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Always the first one.
    Connect {
        /// Host and port.
        brokers: String,
        /// Of the stack's user.
        password: String,
    },
    /// Write a record.
    Produce {
        /// To that topic.
        topic: String,
        /// To that partition.
        partition: i32,
        /// Its key; none when this is empty.
        key: String,
        /// Its value.
        value: String,
    },
    /// Create a topic.
    Create {
        /// Its name.
        topic: String,
        /// Number of partitions.
        partitions: i32,
    },
    /// Delete a topic.
    Delete {
        /// Its name.
        topic: String,
    },
    /// Give a topic more partitions.
    Grow {
        /// Its name.
        topic: String,
        /// How many it has then.
        partitions: usize,
    },
    /// Drop the records of a partition before an offset, as its retention would.
    Trim {
        /// Name of the topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The first offset that stays.
        before: i64,
    },
}

/// A line of its output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Of the request.
    pub number: u64,
    /// What came of it, or why nothing did.
    pub result: Result<Done, String>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Done {
    /// What was asked, and there is nothing to tell.
    Nothing,
    /// The record stands there.
    Written {
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
    },
}
