//! What client and server say to each other on one connection, without sockets, requests and tasks: packets come in, and what is to be done
//! goes to a [`Hub`].
//!
//! ```text
//! text, binary, pong, close ─┐                              ┌─► namespaces: connect, event, keep, disconnected
//! time ──────────────────────┼─► Conversation ──────────────┤
//! admission, broadcast ──────┘   (namespaces, deadlines)    └─► Hub: say, subscribe, wake, ask, close
//! ```
//!
//! Engine.IO 4: <https://github.com/socketio/engine.io-protocol>, Socket.IO 5: <https://github.com/socketio/socket.io-protocol>.

mod ending;
mod entering;

use std::{net::IpAddr, sync::Arc, time::Instant};

use bytes::Bytes;
use futures::FutureExt as _;
use tokio::sync::oneshot;

pub(crate) use self::ending::Ending;
pub use self::ending::close_code;
use super::{
    allowance::{self, Allowance},
    broadcast::Broadcast,
    deadlines::{Deadlines, Due},
    form,
    hub::{Answer, Hub},
    joined::{Joined, Leaving},
    shared::Shared,
};
use crate::{
    arguments::Arguments,
    engine_packet::EnginePacket,
    namespace::{Departure, Incoming, Namespace, Socket, Transport},
    packet::{Decoder, Error, Packet},
    statistics::Violation,
};

/// What client and server say to each other on one connection.
pub(crate) struct Conversation {
    shared: Arc<Shared>,
    client: IpAddr,
    transport: Transport,
    /// A packet became whole since it was last asked.
    is_anew: bool,
    ending: Option<Ending>,
    allowance: Allowance,
    deadlines: Deadlines,
    decoder: Decoder,
    /// Number of the next question.
    ticket: u32,
    joined: Vec<Joined>,
    asked: Vec<Asked>,
}

/// A question that is not answered yet.
struct Asked {
    ticket: u32,
    namespace: u16,
    /// Whether the client may enter the namespace; else it is in it, and the namespace began something.
    is_entry: bool,
    /// Without it the question is dropped.
    _waits: oneshot::Sender<()>,
}

impl Conversation {
    /// Begins.
    pub(crate) fn new(shared: Arc<Shared>, client: IpAddr, transport: Transport, now: Instant) -> Self {
        Self {
            client,
            transport,
            is_anew: false,
            ending: None,
            allowance: Allowance::new(now),
            deadlines: Deadlines::new(&shared.settings, transport, now),
            decoder: Decoder::new(),
            ticket: 0,
            joined: Vec::new(),
            asked: Vec::new(),
            shared,
        }
    }

    /// How the client speaks now.
    pub(crate) const fn transport(&self) -> Transport {
        self.transport
    }

    /// Nothing more is taken from the client.
    pub(crate) const fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// The first packet: what the client must know.
    pub(crate) fn begin(&mut self, id: &str, hub: &mut dyn Hub) {
        let settings = &self.shared.settings;
        let upgrades: &[&str] = match self.transport {
            Transport::Polling => &[Transport::WebSocket.name()],
            Transport::WebSocket => &[],
        };
        let open = serde_json::json!({
            "sid": id,
            "upgrades": upgrades,
            "pingInterval": settings.ping_interval.as_millis() as u64,
            "pingTimeout": settings.ping_timeout.as_millis() as u64,
            "maxPayload": settings.payload_bytes,
        });
        if self.shared.messages.is_some() {
            self.deadlines.entered();
        }
        self.say(EnginePacket::Open(&open.to_string()), hub);
        self.settle(false, hub);
    }

    /// A message that is a text came.
    pub(crate) fn text(&mut self, text: &str, hub: &mut dyn Hub) {
        if !self.takes_message(text.len(), hub) {
            return;
        }
        match EnginePacket::parse(text) {
            Ok(EnginePacket::Message(message)) => self.message(message, hub),
            Ok(EnginePacket::Pong(_)) => self.deadlines.answered(&self.shared.settings, hub.now()),
            Ok(EnginePacket::Close) => self.end(Ending::Client(None), hub),
            // Only the server asks for signs of life.
            Ok(EnginePacket::Ping(_)) => self.violate(Violation::Order, hub),
            Ok(EnginePacket::Open(_) | EnginePacket::Upgrade | EnginePacket::Noop) => {}
            Err(_) => self.violate(Violation::Packet, hub),
        }
    }

    fn message(&mut self, message: &str, hub: &mut dyn Hub) {
        if let Some((above, mut reply)) = self.shared.above(self.transport, hub) {
            above.text(message, &mut reply);
        } else {
            let packet = self.decoder.text(message, self.shared.settings.attachments);
            self.decoded(packet, hub);
        }
    }

    /// A message that is binary came: an attachment.
    pub(crate) fn binary(&mut self, bytes: Bytes, hub: &mut dyn Hub) {
        if !self.takes_message(bytes.len(), hub) {
            return;
        }
        if let Some((above, mut reply)) = self.shared.above(self.transport, hub) {
            above.binary(&bytes, &mut reply);
        } else {
            let packet = self.decoder.binary(bytes, self.shared.settings.payload_bytes);
            self.decoded(packet, hub);
        }
    }

    fn takes_message(&mut self, bytes: usize, hub: &mut dyn Hub) -> bool {
        let takes = self.takes(allowance::cost(bytes), hub);
        if takes {
            self.shared.counters.received();
        }
        takes
    }

    /// Something came that costs so many tokens: whether it is taken. A client that has not as many loses the connection.
    pub(crate) fn takes(&mut self, cost: u32, hub: &mut dyn Hub) -> bool {
        if self.is_ending() {
            return false;
        }
        let takes = self.allowance.take(cost, self.shared.rate, hub.now());
        if !takes {
            self.violate(Violation::Rate, hub);
        }
        takes
    }

    /// A request of the client came behind the first one.
    pub(crate) const fn came_again(&mut self) {
        self.deadlines.came_again();
    }

    fn decoded(&mut self, packet: Result<Option<Packet>, Error>, hub: &mut dyn Hub) {
        match packet {
            Ok(Some(packet)) => {
                self.is_anew = true;
                self.packet(packet, hub);
            }
            Ok(None) => {}
            Err(Error::TakeAttachments { .. } | Error::TakeBytes { .. }) => self.violate(Violation::Size, hub),
            Err(_) => self.violate(Violation::Packet, hub),
        }
    }

    fn packet(&mut self, packet: Packet, hub: &mut dyn Hub) {
        match packet {
            Packet::Connect { namespace, data } => self.enter(namespace, data, hub),
            Packet::Disconnect { namespace } => self.leave(&namespace, hub),
            Packet::Event { namespace, id, event, arguments } => match self.place(&namespace) {
                Some(place) => {
                    let event = Incoming { event, arguments, acknowledgement: id };
                    self.call(place, hub, |namespace, socket| namespace.event(socket, event));
                }
                None => self.violate(Violation::Order, hub),
            },
            // We ask for no acknowledgement; as other servers do, one that nobody waits for is dropped.
            Packet::Acknowledgement { namespace, .. } if self.place(&namespace).is_some() => {}
            Packet::Acknowledgement { .. } | Packet::ConnectError { .. } => self.violate(Violation::Order, hub),
        }
    }

    fn keep(&mut self, hub: &mut dyn Hub) {
        // From the back: one that leaves is replaced by the last one.
        for place in (0..self.joined.len()).rev() {
            self.call(place, hub, |namespace, socket| namespace.keep(socket));
        }
    }

    /// Calls the application about a client, and does what it wants.
    fn call(&mut self, place: usize, hub: &mut dyn Hub, call: impl FnOnce(&dyn Namespace, &mut Socket<'_>)) {
        let (client, transport) = (self.client, self.transport);
        let Some(joined) = self.joined.get_mut(place) else { return };
        let (number, namespace) = (joined.namespace, self.shared.namespace(joined.namespace));
        let mut errands = Vec::new();
        call(namespace, &mut Socket { hub, shared: &self.shared, joined, errands: &mut errands, client, transport });
        for errand in errands {
            self.ask(number, false, Box::pin(errand.map(Answer::Errand)), hub);
        }
        self.obey(place, hub);
    }

    /// Does what the application wanted for a client when it was called about it.
    fn obey(&mut self, place: usize, hub: &mut dyn Hub) {
        let Some(joined) = self.joined.get_mut(place) else { return };
        let namespace = joined.namespace;
        match joined.leaving.take() {
            Some(Leaving::Namespace) => {
                let packet = Packet::Disconnect { namespace: self.shared.name(namespace).into() };
                self.shared.say(&packet, self.transport, hub);
                self.part(place, Departure::Server, hub);
            }
            Some(Leaving::Connection(reason)) => self.end(Ending::Server(reason), hub),
            None => {}
        }
    }

    /// Something was said to all clients of a namespace.
    pub(crate) fn announced(&mut self, broadcast: &Broadcast, hub: &mut dyn Hub) {
        let Some(joined) = self.joined.iter().find(|joined| joined.namespace == broadcast.namespace) else { return };
        if self.ending.is_some() {
            return;
        }
        if joined.recovers {
            let arguments: Arguments = broadcast.arguments.clone();
            joined.emit(&broadcast.event, arguments, None, hub, &self.shared, self.transport);
        } else {
            self.shared.counters.sent(1);
            hub.say(broadcast.piece(self.transport));
        }
    }

    /// The time has come for something.
    pub(crate) fn wake(&mut self, hub: &mut dyn Hub) {
        self.deadlines.woken();
        if self.is_ending() {
            return;
        }
        self.expire(hub);
        if self.is_ending() {
            return;
        }
        let now = hub.now();
        match self.deadlines.due(now) {
            Some(Due::Ping) => {
                self.deadlines.asked(&self.shared.settings, now);
                self.say(EnginePacket::Ping(""), hub);
                if self.deadlines.keeps(&self.shared.settings, now) {
                    self.keep(hub);
                }
            }
            Some(Due::Silent) => self.end(Ending::Silent, hub),
            Some(Due::NotEntered) => self.violate(Violation::NotEntered, hub),
            Some(Due::NotWhole) => self.violate(Violation::NotWhole, hub),
            None => {}
        }
        self.await_next(hub);
    }

    /// Ends the connection if the client has been silent for too long, also before the shard has noticed.
    pub(crate) fn check(&mut self, hub: &mut dyn Hub) {
        if !self.is_ending() && self.deadlines.due(hub.now()) == Some(Due::Silent) {
            self.end(Ending::Silent, hub);
        }
    }

    /// What came was taken. `has_part` says that a message is not whole.
    pub(crate) fn settle(&mut self, has_part: bool, hub: &mut dyn Hub) {
        if self.is_ending() {
            return;
        }
        let is_part = has_part || self.decoder.is_waiting();
        let is_anew = std::mem::take(&mut self.is_anew);
        self.deadlines.has_part(is_part, is_anew, self.shared.settings.ping_timeout, hub.now());
        self.await_next(hub);
    }

    fn await_next(&mut self, hub: &mut dyn Hub) {
        if !self.is_ending()
            && let Some(time) =
                self.deadlines.next_wake(self.joined.iter().filter_map(|joined| joined.expiry.next()).min())
        {
            hub.wake_at(time);
        }
    }

    /// From now on the client speaks by a websocket.
    pub(crate) fn moved(&mut self) {
        for joined in &self.joined {
            self.shared.counters.left(joined.namespace, self.transport);
            self.shared.counters.entered(joined.namespace, Transport::WebSocket);
        }
        self.transport = Transport::WebSocket;
    }

    /// Says a packet of the connection.
    pub(crate) fn say(&self, packet: EnginePacket<'_>, hub: &mut dyn Hub) {
        self.shared.counters.sent(1);
        hub.say(form::engine(self.transport, packet));
    }

    fn place(&self, namespace: &str) -> Option<usize> {
        self.joined.iter().position(|joined| self.shared.name(joined.namespace) == namespace)
    }
}

#[cfg(test)]
mod tests;
