//! Options of Socket.IO.

use std::{ops::RangeInclusive, time::Duration};

use clap::{ArgAction, Args};
use realtime_contract::environment;
use thiserror::Error;

/// Seconds of a ping, and of its answer, at most: what is kept in Redis of a client is renewed with its pings, and has to outlive both.
const PING_LIMIT: i64 = 60;

/// How Socket.IO is served.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Socket.IO")]
pub(crate) struct SocketConfig {
    /// Bytes of a client's message at most
    #[arg(long = "socket-payload-bytes", env = environment::SOCKET_PAYLOAD_BYTES, value_name = "REALTIME_SOCKET_PAYLOAD_BYTES", default_value_t = 128 * 1024, value_parser = clap::value_parser!(u32).range(1024..=16 * 1024 * 1024))]
    pub(crate) payload_bytes: u32,

    /// Seconds between two pings of the server, 1 to 60
    #[arg(long = "socket-ping-interval-seconds", env = environment::SOCKET_PING_INTERVAL_SECONDS, value_name = "REALTIME_SOCKET_PING_INTERVAL_SECONDS", default_value_t = 25, value_parser = clap::value_parser!(u8).range(1..=PING_LIMIT))]
    ping_interval_seconds: u8,

    /// Seconds that a client has for its answer, 1 to 60
    #[arg(long = "socket-ping-timeout-seconds", env = environment::SOCKET_PING_TIMEOUT_SECONDS, value_name = "REALTIME_SOCKET_PING_TIMEOUT_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u8).range(1..=PING_LIMIT))]
    ping_timeout_seconds: u8,

    #[command(flatten)]
    pub(crate) demo: DemoConfig,
}

/// What answers need beside the data that they give back, and what else may wait for a client with them.
const BESIDE: usize = 64 * 1024;

impl SocketConfig {
    /// Between two pings of the server.
    pub(crate) fn ping_interval(&self) -> Duration {
        Duration::from_secs(self.ping_interval_seconds.into())
    }

    /// How long a client has for its answer.
    pub(crate) fn ping_timeout(&self) -> Duration {
        Duration::from_secs(self.ping_timeout_seconds.into())
    }

    /// Bytes that must have room for a client before it counts as slow: the largest event that it may send, a text and attachments of
    /// `payload_bytes` each, comes back twice, as an event and to its callback. In answers to requests, attachments are in base64.
    pub(crate) fn queue_bytes(&self) -> usize {
        let payload = usize::try_from(self.payload_bytes).unwrap_or(usize::MAX);
        let base64 = payload.div_ceil(3).saturating_mul(4);
        payload.saturating_add(base64).saturating_mul(2).saturating_add(BESIDE)
    }
}

/// The namespace `/demo`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Socket.IO namespace /demo")]
pub(crate) struct DemoConfig {
    /// Connections of one client address at most, over all instances
    #[arg(id = "demo-connections-per-address", long = "demo-connections-per-address", env = environment::DEMO_CONNECTIONS_PER_ADDRESS, value_name = "REALTIME_DEMO_CONNECTIONS_PER_ADDRESS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections_per_address: u32,

    /// Pings of one connection at most
    #[arg(long = "demo-pings", env = environment::DEMO_PINGS, value_name = "REALTIME_DEMO_PINGS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pings: u32,

    /// Seconds between two random strings at least
    #[arg(long = "demo-shortest-seconds", env = environment::DEMO_SHORTEST_SECONDS, value_name = "REALTIME_DEMO_SHORTEST_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    shortest_seconds: u32,

    /// Seconds between two random strings at most
    #[arg(long = "demo-longest-seconds", env = environment::DEMO_LONGEST_SECONDS, value_name = "REALTIME_DEMO_LONGEST_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=3600))]
    longest_seconds: u32,

    /// Whether /api/websocket/health shows the addresses of clients
    #[arg(long = "demo-show-addresses", env = environment::DEMO_SHOW_ADDRESSES, value_name = "REALTIME_DEMO_SHOW_ADDRESSES", action = ArgAction::Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true")]
    pub(crate) show_addresses: bool,
}

/// Options that contradict each other.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "failed to read {} ({shortest}) and {} ({longest}): the shortest delay is longer than the longest; correct one of them",
    environment::DEMO_SHORTEST_SECONDS,
    environment::DEMO_LONGEST_SECONDS
)]
pub(crate) struct ContradictingDelays {
    shortest: u32,
    longest: u32,
}

impl DemoConfig {
    /// Time between two random strings.
    ///
    /// # Errors
    /// When the shortest is longer than the longest.
    pub(crate) fn delays(&self) -> Result<RangeInclusive<Duration>, ContradictingDelays> {
        let (shortest, longest) = (self.shortest_seconds, self.longest_seconds);
        if shortest > longest {
            return Err(ContradictingDelays { shortest, longest });
        }
        Ok(Duration::from_secs(shortest.into())..=Duration::from_secs(longest.into()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        sockets: SocketConfig,
    }

    #[test]
    fn signs_of_life_are_those_of_the_service_that_is_replaced_unless_told_otherwise() {
        let times = |options: &[&str]| {
            let parsed = Options::try_parse_from(["test"].iter().chain(options)).map_err(|error| error.to_string());
            parsed.map(|Options { sockets }| (sockets.ping_interval().as_secs(), sockets.ping_timeout().as_secs()))
        };
        assert_eq!(times(&[]), Ok((25, 60)));
        let options = ["--socket-ping-interval-seconds=10", "--socket-ping-timeout-seconds=20"];
        assert_eq!(times(&options), Ok((10, 20)));
        for name in ["--socket-ping-interval-seconds", "--socket-ping-timeout-seconds"] {
            for seconds in ["0", "61", "soon"] {
                let error = times(&[name, seconds]).unwrap_err();
                assert!(error.contains(name) && error.contains(seconds), "{error}");
            }
        }
    }

    #[test]
    fn the_largest_message_has_room_to_come_back_twice() {
        for (bytes, room) in [("1024", 70_320), ("131072", 677_208), ("16777216", 78_359_216)] {
            let options = Options::parse_from(["test", "--socket-payload-bytes", bytes]);
            assert_eq!(options.sockets.queue_bytes(), room, "{bytes}");
        }
    }
}
