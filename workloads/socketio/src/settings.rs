//! What can be set.

use std::time::Duration;

/// Bounds and times of an endpoint.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is, with the last slash. Requests without it are taken, too.
    pub path: &'static str,
    /// Time between two pings of the server; clients are told.
    pub ping_interval: Duration,
    /// Time that a client has for its answer to a ping; clients are told. An unfinished message has as long.
    pub ping_timeout: Duration,
    /// Time that a client has to change from polling to a websocket.
    pub upgrade_time: Duration,
    /// Time that a client of requests has for its second one. Each session takes places, and nothing else shows that its client is there.
    pub return_time: Duration,
    /// Time that a client has to enter its first namespace.
    pub connect_time: Duration,
    /// Longest message, body of a POST, and sum of an event's attachments, in bytes; clients are told.
    pub payload_bytes: usize,
    /// Most attachments of an event.
    pub attachments: usize,
    /// Most namespaces in which a client is at a time.
    pub namespaces: usize,
    /// Packets that a client may send a second, on average. One that is longer than 4 KiB counts as one more for each 4 KiB of it, a wish to
    /// enter a namespace as 25 more, and each frame of a websocket that ends no message as one.
    pub packets_per_second: u32,
    /// Packets, counted so, that a client may send at once after a pause. A single one never counts as more than that.
    pub burst: u32,
    /// How often a namespace may renew what it keeps elsewhere for a socket. It can with a ping only, so what it keeps has to live longer than
    /// `keep_every + ping_interval + ping_timeout`: the longest time between two such moments. Usually it is the ping that is nearest.
    pub keep_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: "/socket.io/",
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_mins(1),
            upgrade_time: Duration::from_secs(10),
            return_time: Duration::from_secs(10),
            connect_time: Duration::from_secs(45),
            payload_bytes: 128 * 1024,
            attachments: 16,
            namespaces: 8,
            packets_per_second: 100,
            burst: 500,
            keep_every: Duration::from_secs(50),
        }
    }
}
