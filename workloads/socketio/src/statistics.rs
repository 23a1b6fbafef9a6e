//! Numbers of a server.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::namespace::Transport;

/// Numbers since the start of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Name of each namespace, and clients that are in it now, in the order of [`Transport::ALL`].
    pub sockets: Vec<(String, [u64; Transport::ALL.len()])>,
    /// Messages of clients that were taken: packets of Engine.IO, whatever they hold, and attachments.
    pub received: u64,
    /// Packets that were sent, without the events of the feed.
    pub sent: u64,
    /// Connections that were closed because a client broke a rule, in the order of [`Violation::ALL`].
    pub violations: [u64; Violation::ALL.len()],
    /// Clients that were not let into a namespace, in the order of [`Refusal::ALL`].
    pub refusals: [u64; Refusal::ALL.len()],
}

/// Which rule a client broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// A frame is not as RFC 6455 has it.
    Frame,
    /// The body of a request holds no packets.
    Payload,
    /// A message is no packet.
    Packet,
    /// A packet comes where it has no place, such as an event in a namespace in which the client is not.
    Order,
    /// Something is longer than it may be.
    Size,
    /// More comes than may.
    Rate,
    /// A second request of the same kind came before the first was answered.
    Overlap,
    /// The client entered no namespace in time, or did not come back behind its first request.
    NotEntered,
    /// What the client began to send did not become whole in time.
    NotWhole,
    /// A change of the transport was begun, and not ended in time or in another way than it has to be.
    Upgrade,
}

impl Violation {
    /// All of them, in the order of the metrics.
    pub const ALL: [Self; 10] = [
        Self::Frame,
        Self::Payload,
        Self::Packet,
        Self::Order,
        Self::Size,
        Self::Rate,
        Self::Overlap,
        Self::NotEntered,
        Self::NotWhole,
        Self::Upgrade,
    ];

    /// Name in metrics, logs and close frames.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Payload => "payload",
            Self::Packet => "packet",
            Self::Order => "order",
            Self::Size => "size",
            Self::Rate => "rate",
            Self::Overlap => "overlap",
            Self::NotEntered => "not-entered",
            Self::NotWhole => "not-whole",
            Self::Upgrade => "upgrade",
        }
    }

    /// Codes of the close frames that tell it (RFC 6455, section 7.4.1), the usual one first.
    pub const fn close_codes(self) -> &'static [u16] {
        match self {
            Self::Frame => &[1002, 1007],
            Self::Size => &[1009],
            Self::Payload
            | Self::Packet
            | Self::Order
            | Self::Rate
            | Self::Overlap
            | Self::NotEntered
            | Self::NotWhole
            | Self::Upgrade => &[1008],
        }
    }
}

/// Why a client was not let into a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// There is no such namespace.
    Unknown,
    /// It is in as many as it may be.
    Full,
    /// The application refused it.
    Refused,
    /// The application cannot take it now.
    Away,
}

impl Refusal {
    /// All of them, in the order of the metrics.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Full, Self::Refused, Self::Away];

    /// Name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Full => "full",
            Self::Refused => "refused",
            Self::Away => "away",
        }
    }
}

/// The same while it is counted.
#[derive(Debug)]
pub(crate) struct Counters {
    names: Vec<String>,
    sockets: Vec<[AtomicU64; Transport::ALL.len()]>,
    received: AtomicU64,
    sent: AtomicU64,
    violations: [AtomicU64; Violation::ALL.len()],
    refusals: [AtomicU64; Refusal::ALL.len()],
}

impl Counters {
    /// Of namespaces with these names.
    pub(crate) fn new(names: Vec<String>) -> Self {
        Self {
            sockets: names.iter().map(|_| Default::default()).collect(),
            names,
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            violations: Default::default(),
            refusals: Default::default(),
        }
    }

    /// A message came and was taken.
    pub(crate) fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// So many packets were sent.
    pub(crate) fn sent(&self, packets: usize) {
        self.sent.fetch_add(packets as u64, Ordering::Relaxed);
    }

    /// A client is in a namespace.
    pub(crate) fn entered(&self, namespace: u16, transport: Transport) {
        self.sockets[usize::from(namespace)][transport as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A client is in a namespace no more.
    pub(crate) fn left(&self, namespace: u16, transport: Transport) {
        self.sockets[usize::from(namespace)][transport as usize].fetch_sub(1, Ordering::Relaxed);
    }

    /// A client broke a rule.
    pub(crate) fn violated(&self, violation: Violation) {
        self.violations[violation as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A client was not let in.
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refusals[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Whether nobody is in a namespace.
    pub(crate) fn is_empty(&self, namespace: u16) -> bool {
        self.sockets[usize::from(namespace)].iter().all(|count| count.load(Ordering::Relaxed) == 0)
    }

    /// The numbers now.
    pub(crate) fn statistics(&self) -> Statistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let sockets = self.sockets.iter().map(|counts| counts.each_ref().map(read));
        Statistics {
            sockets: self.names.iter().cloned().zip(sockets).collect(),
            received: read(&self.received),
            sent: read(&self.sent),
            violations: self.violations.each_ref().map(read),
            refusals: self.refusals.each_ref().map(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_label_has_its_own_place() {
        assert!(Violation::ALL.iter().enumerate().all(|(place, violation)| *violation as usize == place));
        assert!(Refusal::ALL.iter().enumerate().all(|(place, refusal)| *refusal as usize == place));
        assert!(Transport::ALL.iter().enumerate().all(|(place, transport)| *transport as usize == place));
    }
}
