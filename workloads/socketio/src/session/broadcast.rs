//! What is said to all clients of a namespace.

use bytes::Bytes;

use super::{form, shared::Shared};
use crate::{arguments::Arguments, namespace::Transport, packet::Packet};

/// An event to all clients of a namespace, in the form of each transport.
pub(crate) struct Broadcast {
    /// Number of the namespace.
    pub(crate) namespace: u16,
    pub(crate) event: Box<str>,
    pub(crate) arguments: Arguments,
    pieces: [Bytes; Transport::ALL.len()],
}

impl Broadcast {
    /// Renders an event.
    pub(crate) fn new(namespace: u16, event: &str, arguments: &Arguments, shared: &Shared) -> Self {
        let packet = Packet::Event {
            namespace: shared.name(namespace).into(),
            id: None,
            event: event.into(),
            arguments: arguments.clone(),
        };
        let encoded = packet.encode();
        let pieces = Transport::ALL.map(|transport| form::message(transport, &encoded));
        Self { namespace, event: event.into(), arguments: arguments.clone(), pieces }
    }

    /// The event in the form of that transport.
    pub(crate) fn piece(&self, transport: Transport) -> Bytes {
        self.pieces[transport as usize].clone()
    }
}
