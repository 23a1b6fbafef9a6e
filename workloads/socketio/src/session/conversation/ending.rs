//! How a conversation ends.

use std::time::Instant;

use bytes::Bytes;
use realtime_fanout::CloseReason;
use tracing::debug;

use super::Conversation;
use crate::{
    engine_packet::EnginePacket,
    namespace::{Departure, Transport},
    session::{expiry::Nearing, form, hub::Hub},
    statistics::Violation,
    websocket,
};

/// Codes of close frames (RFC 6455, section 7.4.1; 1013 is from IANA's registry).
const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;
const TRY_AGAIN: u16 = 1013;

/// How a conversation ends, when it does not end by its transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client said that it leaves, with the code of its close frame if it gave one.
    Client(Option<u16>),
    /// The client broke a rule; with the code of the close frame.
    Violation(Violation, u16),
    /// The client gave no sign of life.
    Silent,
    /// The application wants it.
    Server(CloseReason),
}

impl Ending {
    const fn reason(self) -> CloseReason {
        match self {
            Self::Client(_) | Self::Violation(..) | Self::Silent => CloseReason::Gone,
            Self::Server(reason) => reason,
        }
    }
}

impl Conversation {
    /// Ends the connection, if it does not end already.
    pub(crate) fn end(&mut self, ending: Ending, hub: &mut dyn Hub) {
        if self.ending.is_some() {
            return;
        }
        if let Ending::Violation(violation, _) = ending {
            self.shared.counters.violated(violation);
            debug!(client = %self.client, violation = violation.name(), "a client broke a rule");
        }
        self.ending = Some(ending);
        hub.close(ending.reason());
    }

    /// Tells namespaces whose clients may not stay much longer, and ends the connection when the time of one is over.
    pub(super) fn expire(&mut self, hub: &mut dyn Hub) {
        let now = hub.now();
        // From the back: one that leaves is replaced by the last one.
        for place in (0..self.joined.len()).rev() {
            match self.joined.get_mut(place).and_then(|joined| joined.expiry.due(now)) {
                Some(Nearing::Soon) => self.call(place, hub, |namespace, socket| namespace.expiring(socket)),
                Some(Nearing::Over) => return self.end(Ending::Server(CloseReason::Expired), hub),
                None => {}
            }
        }
    }

    /// Ends the connection because the client broke a rule.
    pub(crate) fn violate(&mut self, violation: Violation, hub: &mut dyn Hub) {
        let code = violation.close_codes().first().copied().unwrap_or(POLICY);
        self.end(Ending::Violation(violation, code), hub);
    }

    /// Ends the connection because the client does not speak as RFC 6455 has it.
    pub(crate) fn misheard(&mut self, error: websocket::Error, hub: &mut dyn Hub) {
        let violation = match error {
            websocket::Error::TakeMessage { .. } => Violation::Size,
            websocket::Error::ReadFrame(_) | websocket::Error::ReadText => Violation::Frame,
        };
        self.end(Ending::Violation(violation, error.close_code()), hub);
    }

    /// Whether it ends because the client broke a rule.
    pub(crate) const fn has_violated(&self) -> bool {
        matches!(self.ending, Some(Ending::Violation(..)))
    }

    /// What is said last.
    pub(crate) fn farewell(&self, reason: CloseReason) -> Bytes {
        match (self.transport, self.ending) {
            // The client waits for an answer only to see its request end.
            (Transport::Polling, Some(Ending::Client(_))) => form::engine(self.transport, EnginePacket::Noop),
            (Transport::Polling, _) => form::engine(self.transport, EnginePacket::Close),
            (Transport::WebSocket, Some(Ending::Client(code))) => websocket::close(echo(code), ""),
            (Transport::WebSocket, Some(Ending::Violation(violation, code))) => {
                websocket::close(code, violation.name())
            }
            (Transport::WebSocket, Some(Ending::Silent)) => websocket::close(NORMAL, "silent"),
            (Transport::WebSocket, Some(Ending::Server(_)) | None) => {
                websocket::close(close_code(reason), reason.name())
            }
        }
    }

    /// The connection has ended.
    pub(crate) fn ended(&mut self, reason: CloseReason, now: Instant) {
        self.asked.clear();
        while let Some(joined) = self.joined.pop() {
            self.report(joined, Departure::Transport(reason), now);
        }
    }
}

/// The code of the close frame with which a websocket ends for that reason.
pub const fn close_code(reason: CloseReason) -> u16 {
    match reason {
        CloseReason::Gone => NORMAL,
        CloseReason::Slow => POLICY,
        CloseReason::Limited => TRY_AGAIN,
        CloseReason::Draining
        | CloseReason::Unavailable
        | CloseReason::Aged
        | CloseReason::Overtaken
        | CloseReason::Expired => GOING_AWAY,
    }
}

/// The client's own code, unless it is one that no frame may have.
fn echo(code: Option<u16>) -> u16 {
    code.filter(|code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)).unwrap_or(NORMAL)
}
