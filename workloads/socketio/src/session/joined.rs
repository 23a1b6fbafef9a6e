//! A client in a namespace.

use std::{any::Any, time::Instant};

use bytes::Bytes;
use realtime_fanout::CloseReason;
use serde_json::value::to_raw_value;

use super::{expiry::Expiry, form, hub::Hub, shared::Shared};
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
    /// Until when it may stay.
    pub(crate) expiry: Expiry,
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

    /// An event as a piece, which is not counted yet.
    pub(crate) fn render(&self, emission: Emission, hub: &dyn Hub, shared: &Shared, transport: Transport) -> Bytes {
        let Emission { event, arguments, cursor } = emission;
        let packet = self.event(&event, arguments, cursor, hub, shared);
        form::message(transport, &packet.encode())
    }

    fn event(
        &self,
        event: &str,
        arguments: Arguments,
        cursor: Option<String>,
        hub: &dyn Hub,
        shared: &Shared,
    ) -> Packet {
        let cursor = self.recovers.then(|| cursor.unwrap_or_else(|| hub.cursor()));
        self::event(shared.name(self.namespace), event, arguments, cursor)
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

/// An event, with the cursor as its last argument if there is one.
pub(crate) fn event(namespace: &str, event: &str, arguments: Arguments, cursor: Option<String>) -> Packet {
    let arguments = match cursor {
        Some(cursor) => arguments.with(&cursor),
        None => arguments,
    };
    Packet::Event { namespace: namespace.into(), id: None, event: event.into(), arguments }
}
