//! The protocol of one connection, for the shard that owns it.
//!
//! ```text
//! websocket ─► Reader ──┐                        ┌─► Stage ─► Voice ─► shard
//! GET, POST ─► Told ────┼─► Conversation (pure) ─┤
//! probe ─────► Told ────┘                        └─► tokio: Namespace::connect ─► Told::Answered
//! ```

mod admitted;
pub(crate) mod allowance;
pub(crate) mod broadcast;
pub(crate) mod conversation;
mod deadlines;
pub(crate) mod expiry;
pub(crate) mod form;
pub(crate) mod hub;
pub(crate) mod joined;
mod polling;
pub(crate) mod shared;
mod stage;
pub(crate) mod word;

use std::{any::Any, net::IpAddr, time::Instant};

use bytes::Bytes;
use realtime_fanout::{
    CloseReason,
    session::{Request, Voice, Word},
};
use tokio::sync::oneshot;
use tracing::{debug, error};

use self::{
    broadcast::Broadcast,
    conversation::{Conversation, Ending},
    hub::Hub as _,
    polling::Polling,
    stage::Stage,
    word::{Demand, Heard, Refused, Told, Transfer},
};
use crate::{
    engine_packet::EnginePacket,
    identity::{Secret, SessionId},
    namespace::Transport,
    payload::{self, Piece},
    rendering,
    server::Server,
    statistics::Violation,
    websocket::{self, Message, Reader},
};

/// The protocol of one connection.
pub(crate) struct Session {
    server: Server,
    secret: Secret,
    conversation: Conversation,
    reader: Reader,
    /// While it has no socket.
    polling: Option<Box<Polling>>,
}

impl Session {
    /// Of a websocket.
    pub(crate) fn of_websocket(server: Server, secret: Secret, client: IpAddr) -> Self {
        let conversation = Conversation::new(server.shared(), client, Transport::WebSocket, Instant::now());
        Self { server, secret, conversation, reader: Reader::default(), polling: None }
    }

    /// Of requests, the first of which waits for the session's id.
    pub(crate) fn of_requests(server: Server, secret: Secret, client: IpAddr, first: Request) -> Self {
        let conversation = Conversation::new(server.shared(), client, Transport::Polling, Instant::now());
        Self { server, secret, conversation, reader: Reader::default(), polling: Some(Box::new(Polling::new(first))) }
    }

    fn demanded(&mut self, demand: Demand, voice: &mut Voice<'_>) {
        self.conversation.check(&mut Stage { voice, server: &self.server });
        if self.conversation.is_ending() {
            return;
        }
        self.conversation.came_again();
        match demand {
            Demand::Poll { presence, request, refused } => {
                let begins = self.polling.as_mut().map(|polling| polling.begin_get(presence));
                if self.lets(begins, refused, voice) {
                    self.polled(request, voice);
                }
            }
            Demand::BodyBegins { presence, refused } => {
                let begins = self.polling.as_mut().map(|polling| polling.begin_post(presence));
                self.lets(begins, refused, voice);
            }
            Demand::Body { body, taken } => answer(taken, self.body(&body, voice)),
            Demand::Lost(transfer) => self.lost(transfer, voice),
            Demand::Try { presence, tried } => {
                let polling = self.polling.as_mut().ok_or(Refused);
                answer(tried, polling.and_then(|polling| polling.begin_trial(presence).then_some(()).ok_or(Refused)));
            }
            Demand::Works => self.works(voice),
            Demand::Changes(heard, reader) => {
                if let Some(polling) = &mut self.polling {
                    polling.taken = Some((heard, reader));
                }
            }
        }
    }

    /// Whether a request has its place: `begins` says it, unless the client has another transport. A second one of its kind ends the session.
    fn lets(&mut self, begins: Option<bool>, refused: oneshot::Sender<Refused>, voice: &mut Voice<'_>) -> bool {
        if begins == Some(true) {
            return true;
        }
        answer(refused, Refused);
        if begins == Some(false) {
            self.violate(Violation::Overlap, voice);
        }
        false
    }

    /// A GET waits.
    fn polled(&mut self, request: Request, voice: &mut Voice<'_>) {
        if self.polling.as_ref().is_some_and(|polling| polling.hastens()) {
            self.conversation.say(EnginePacket::Noop, &mut Stage { voice, server: &self.server });
        }
        voice.answer(request);
    }

    /// The client's websocket works: it waits for its GET to end.
    fn works(&mut self, voice: &mut Voice<'_>) {
        let Some(polling) = &mut self.polling else { return };
        polling.works();
        if polling.is_asked() {
            self.conversation.say(EnginePacket::Noop, &mut Stage { voice, server: &self.server });
        }
    }

    /// Nobody knows what of a lost request has arrived: the client has to begin anew.
    fn lost(&mut self, transfer: Transfer, voice: &mut Voice<'_>) {
        if self.polling.is_some() {
            debug!(?transfer, "a request ended before its answer");
            self.conversation.end(Ending::Client(None), &mut Stage { voice, server: &self.server });
        }
    }

    /// What a POST brought.
    fn body(&mut self, body: &[u8], voice: &mut Voice<'_>) -> Result<(), Refused> {
        if self.polling.is_none() {
            return Err(Refused);
        }
        let mut stage = Stage { voice, server: &self.server };
        for piece in payload::split(body) {
            match piece {
                Ok(Piece::Text(text)) => self.conversation.text(text, &mut stage),
                Ok(Piece::Binary(bytes)) => self.conversation.binary(bytes, &mut stage),
                Err(_) => self.conversation.violate(Violation::Payload, &mut stage),
            }
            if self.conversation.is_ending() {
                break;
            }
        }
        self.conversation.settle(false, &mut stage);
        if self.conversation.has_violated() { Err(Refused) } else { Ok(()) }
    }

    fn violate(&mut self, violation: Violation, voice: &mut Voice<'_>) {
        self.conversation.violate(violation, &mut Stage { voice, server: &self.server });
    }
}

impl realtime_fanout::session::Session for Session {
    fn begin(&mut self, voice: &mut Voice<'_>) {
        let id = SessionId { address: voice.address(), secret: self.secret }.encode();
        let mut stage = Stage { voice, server: &self.server };
        let first = self.polling.as_mut().and_then(|polling| polling.first.take());
        if first.as_ref().is_some_and(Request::is_closed) {
            // The client left before it knew its id: nobody will ever come.
            return self.conversation.end(Ending::Client(None), &mut stage);
        }
        self.conversation.begin(&id, &mut stage);
        if let Some(first) = first {
            voice.answer(first);
        }
    }

    fn hear(&mut self, bytes: &mut [u8], voice: &mut Voice<'_>) {
        let Self { server, conversation, reader, .. } = self;
        let mut stage = Stage { voice, server };
        let limit = server.settings().payload_bytes;
        let read = reader.read(bytes, limit, &mut |message| hear(conversation, &message, &mut stage));
        if let Err(error) = read {
            conversation.misheard(error, &mut stage);
        }
        conversation.settle(reader.is_waiting(), &mut stage);
    }

    fn told(&mut self, word: Word, voice: &mut Voice<'_>) {
        match word.downcast::<Told>().map(|told| *told) {
            Ok(Told::Client(secret, demand)) if secret == self.secret => self.demanded(demand, voice),
            // Somebody guesses: as if nobody were here.
            Ok(Told::Client(..)) => {}
            Ok(Told::Answered(ticket, answer)) => {
                self.conversation.answered(ticket, answer, &mut Stage { voice, server: &self.server });
            }
            Err(_) => error!("a session was told what it does not know"),
        }
    }

    fn announced(&mut self, news: &(dyn Any + Send + Sync), voice: &mut Voice<'_>) {
        if let Some(broadcast) = news.downcast_ref::<Broadcast>() {
            self.conversation.announced(broadcast, &mut Stage { voice, server: &self.server });
        }
    }

    fn wake(&mut self, voice: &mut Voice<'_>) {
        self.conversation.wake(&mut Stage { voice, server: &self.server });
    }

    fn moved(&mut self, voice: &mut Voice<'_>) {
        let taken = self.polling.take().and_then(|polling| polling.taken);
        self.conversation.moved();
        let Some((messages, reader)) = taken else { return };
        self.reader = reader;
        let Self { server, conversation, reader, .. } = self;
        let mut stage = Stage { voice, server };
        for message in &messages {
            hear(conversation, &message.as_message(), &mut stage);
        }
        conversation.settle(reader.is_waiting(), &mut stage);
    }

    fn rewrite(&self, piece: &[u8]) -> Bytes {
        admitted::frames(piece)
    }

    fn rendering(&self) -> u8 {
        match self.conversation.transport() {
            Transport::WebSocket => rendering::WEBSOCKET,
            Transport::Polling => rendering::POLLING,
        }
    }

    fn farewell(&mut self, reason: CloseReason) -> Bytes {
        // It ends before it began: nobody gets to know its id.
        if let Some(polling) = &mut self.polling {
            polling.first = None;
        }
        self.conversation.farewell(reason)
    }

    fn ended(&mut self, reason: CloseReason) {
        self.conversation.ended(reason, Instant::now());
    }
}

/// Takes a message of a websocket.
fn hear(conversation: &mut Conversation, message: &Message<'_>, stage: &mut Stage<'_, '_>) {
    match message {
        Message::Text(text) => conversation.text(text, stage),
        Message::Binary(bytes) => conversation.binary(Bytes::copy_from_slice(bytes), stage),
        Message::Ping(bytes) => {
            if conversation.takes(1, stage) {
                stage.say(websocket::pong(bytes));
            }
        }
        Message::Part | Message::Pong => _ = conversation.takes(1, stage),
        Message::Close(code) => conversation.end(Ending::Client(*code), stage),
    }
}

impl Heard {
    fn as_message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
            Self::Ping(bytes) => Message::Ping(bytes),
            Self::Close(code) => Message::Close(*code),
        }
    }
}

/// Answers a request, whose client may have left.
fn answer<T>(waiting: oneshot::Sender<T>, answer: T) {
    drop(waiting.send(answer));
}
