//! A client in a namespace.

use std::{any::Any, time::Instant};

use bytes::Bytes;
use realtime_fanout::CloseReason;
use serde_json::value::to_raw_value;

use super::{form, hub::Hub, shared::Shared};
use crate::{
    arguments::Arguments,
    namespace::{Emission, Transport},
    packet::Packet,
};

/// A client in a namespace.
pub(crate) struct Joined {
    /// Number of the namespace.
    pub(crate) namespace: u16,
    /// The namespace has recovery: events have a cursor.
    pub(crate) recovers: bool,
    /// It has the connection's subscription.
    pub(crate) has_feed: bool,
    /// What the application wants while it is called.
    pub(crate) leaving: Option<Leaving>,
    pub(crate) id: Box<str>,
    pub(crate) connected_at: Instant,
    pub(crate) state: Box<dyn Any + Send>,
}

/// What an application wants for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// It leaves the namespace.
    Namespace,
    /// Its connection ends.
    Connection(CloseReason),
}

impl Joined {
    /// Sends an event. `cursor` is where the client is behind it, else where the connection is.
    pub(crate) fn emit(
        &self,
        event: &str,
        arguments: Arguments,
        cursor: Option<String>,
        hub: &mut dyn Hub,
        shared: &Shared,
        transport: Transport,
    ) {
        let packet = self.event(event, arguments, cursor, hub, shared);
        shared.say(&packet, transport, hub);
    }

    /// An event as a piece.
    pub(crate) fn render(&self, emission: Emission, hub: &dyn Hub, shared: &Shared, transport: Transport) -> Bytes {
        let Emission { event, arguments, cursor } = emission;
        let packet = self.event(&event, arguments, cursor, hub, shared);
        shared.counters.sent();
        form::message(transport, &packet.encode())
    }

    fn event(
        &self,
        event: &str,
        mut arguments: Arguments,
        cursor: Option<String>,
        hub: &dyn Hub,
        shared: &Shared,
    ) -> Packet {
        if self.recovers {
            arguments = arguments.with(&cursor.unwrap_or_else(|| hub.cursor()));
        }
        Packet::Event { namespace: shared.name(self.namespace).into(), id: None, event: event.into(), arguments }
    }

    /// What the client is told when it is let in.
    pub(crate) fn welcome(&self, pid: Option<&str>, shared: &Shared) -> Packet {
        let data = match pid {
            Some(pid) => to_raw_value(&serde_json::json!({"sid": self.id, "pid": pid})),
            None => to_raw_value(&serde_json::json!({"sid": self.id})),
        };
        // Two texts are always JSON.
        Packet::Connect { namespace: shared.name(self.namespace).into(), data: data.ok() }
    }
}
