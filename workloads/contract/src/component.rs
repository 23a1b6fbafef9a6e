//! The parts of a stack, by the one name that each has everywhere.

use std::fmt;

/// A part of a stack: a workload (its binary is ours) or a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// REST, Socket.IO and SSE.
    Api,
    /// Events to Postgres, and back to the browsers.
    Consumer,
    /// Kafka to browsers.
    Notifications,
    /// Cache and feed tail.
    Redis,
    /// The log.
    Kafka,
    /// The store.
    Postgres,
}

impl Component {
    /// Every component, workloads first.
    pub const ALL: [Self; 6] =
        [Self::Api, Self::Consumer, Self::Notifications, Self::Redis, Self::Kafka, Self::Postgres];

    /// The components whose binary is ours.
    pub const WORKLOADS: [Self; 3] = [Self::Api, Self::Consumer, Self::Notifications];

    /// The components that hold data.
    pub const BACKENDS: [Self; 3] = [Self::Redis, Self::Kafka, Self::Postgres];

    /// The name in object names, labels, status, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Consumer => "consumer",
            Self::Notifications => "notifications",
            Self::Redis => "redis",
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
