//! What stands above Engine.IO where it is not Socket.IO.

use crate::{
    engine_packet::EnginePacket,
    namespace::Transport,
    payload,
    session::{form, hub::Hub, shared::Shared},
    websocket,
};

/// A protocol above Engine.IO other than Socket.IO, which has no namespaces. It is called on the thread of a shard: it must not block.
pub trait Messages: Send + Sync + 'static {
    /// A message that is a text came.
    fn text(&self, text: &str, reply: &mut Reply<'_>);

    /// A message that is binary came.
    fn binary(&self, bytes: &[u8], reply: &mut Reply<'_>);
}

/// What is sent back.
pub struct Reply<'a> {
    pub(crate) hub: &'a mut dyn Hub,
    pub(crate) shared: &'a Shared,
    pub(crate) transport: Transport,
}

impl Reply<'_> {
    /// Sends a message that is a text.
    pub fn text(&mut self, text: &str) {
        self.shared.counters.sent(1);
        self.hub.say(form::engine(self.transport, EnginePacket::Message(text)));
    }

    /// Sends a message that is binary.
    pub fn binary(&mut self, bytes: &[u8]) {
        self.shared.counters.sent(1);
        self.hub.say(match self.transport {
            Transport::WebSocket => websocket::binary(bytes),
            Transport::Polling => payload::binary(bytes),
        });
    }
}

impl Shared {
    /// The protocol above, if it is not Socket.IO, with the way back.
    pub(crate) fn above<'a>(
        &'a self,
        transport: Transport,
        hub: &'a mut dyn Hub,
    ) -> Option<(&'a dyn Messages, Reply<'a>)> {
        let messages = self.messages.as_deref()?;
        Some((messages, Reply { hub, shared: self, transport }))
    }
}
