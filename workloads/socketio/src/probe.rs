//! The websocket to which a polling client wants to change, until it is its transport.
//!
//! ```text
//! client: 2probe ─► 3probe    and the session ends the GET that waits
//! client: 5      ─► the socket becomes the session's
//! ```

use std::{any::Any, time::Instant};

use bytes::Bytes;
use realtime_fanout::{
    CloseReason,
    session::{Session, Voice, Word},
};

use crate::{
    engine_packet::EnginePacket,
    identity::SessionId,
    server::Server,
    session::word::{Demand, Heard, Presence, Told},
    statistics::Violation,
    websocket::{self, Message, Reader},
};

/// Code of the close frame when a client does something else (RFC 6455, section 7.4.1).
const POLICY: u16 = 1008;
const GOING_AWAY: u16 = 1001;

/// The websocket to which a polling client wants to change.
pub(crate) struct Probe {
    server: Server,
    id: SessionId,
    reader: Reader,
    stage: Stage,
    /// While the session must not try another one.
    presence: Option<Presence>,
    deadline: Option<Instant>,
}

/// How far the change is.
#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// The client has to say that the websocket works.
    Opened,
    /// The client has to say that it speaks by the websocket from now on.
    Works,
    /// It said so, and then this.
    Changes(Vec<Heard>),
    /// It said something else.
    Failed(Option<Violation>, u16),
}

impl Probe {
    /// Of the session with that id.
    pub(crate) fn new(server: Server, id: SessionId, presence: Presence) -> Self {
        Self { server, id, reader: Reader::default(), stage: Stage::Opened, presence: Some(presence), deadline: None }
    }

    /// Of a session that has a websocket already, or tries another one. It is closed at once.
    pub(crate) fn too_late(server: Server, id: SessionId) -> Self {
        let stage = Stage::Failed(Some(Violation::Upgrade), POLICY);
        Self { stage, ..Self::new(server, id, Presence::default()) }
    }

    fn act(&mut self, was: &Stage, voice: &mut Voice<'_>) {
        let tell = |demand| Box::new(Told::Client(self.id.secret, demand));
        match &mut self.stage {
            Stage::Works if *was == Stage::Opened => {
                voice.say(websocket::text(&[b"3probe"]));
                voice.tell(self.id.address, tell(Demand::Works));
            }
            Stage::Changes(heard) => {
                if *was == Stage::Opened {
                    voice.say(websocket::text(&[b"3probe"]));
                }
                let (heard, reader) = (std::mem::take(heard), std::mem::take(&mut self.reader));
                voice.tell(self.id.address, tell(Demand::Changes(heard, reader)));
                voice.hand_over(self.id.address);
            }
            Stage::Failed(violation, _) => {
                if let Some(violation) = violation {
                    self.server.violated(*violation);
                }
                self.presence = None;
                voice.close(CloseReason::Gone);
            }
            Stage::Opened | Stage::Works => {}
        }
    }
}

impl Stage {
    /// The next one, by what the client says.
    fn next(self, message: &Message<'_>) -> Self {
        match (self, message) {
            (Self::Changes(mut heard), message) => {
                heard.extend(heard_of(message));
                Self::Changes(heard)
            }
            (failed @ Self::Failed(..), _) => failed,
            (_, Message::Close(_)) => Self::Failed(None, 1000),
            (stage, Message::Part | Message::Pong) => stage,
            (Self::Opened, Message::Text(text)) if EnginePacket::parse(text) == Ok(EnginePacket::Ping("probe")) => {
                Self::Works
            }
            (Self::Works, Message::Text(text)) if EnginePacket::parse(text) == Ok(EnginePacket::Upgrade) => {
                Self::Changes(Vec::new())
            }
            _ => Self::Failed(Some(Violation::Upgrade), POLICY),
        }
    }
}

fn heard_of(message: &Message<'_>) -> Option<Heard> {
    match message {
        Message::Text(text) => Some(Heard::Text((*text).to_owned())),
        Message::Binary(bytes) => Some(Heard::Binary(Bytes::copy_from_slice(bytes))),
        Message::Ping(bytes) => Some(Heard::Ping(Bytes::copy_from_slice(bytes))),
        Message::Close(code) => Some(Heard::Close(*code)),
        Message::Part | Message::Pong => None,
    }
}

impl Session for Probe {
    fn begin(&mut self, voice: &mut Voice<'_>) {
        if matches!(self.stage, Stage::Failed(..)) {
            return self.act(&Stage::Opened, voice);
        }
        let deadline = voice.now() + self.server.settings().upgrade_time;
        self.deadline = Some(deadline);
        voice.wake_at(deadline);
    }

    fn hear(&mut self, bytes: &mut [u8], voice: &mut Voice<'_>) {
        let limit = self.server.settings().payload_bytes;
        let mut stage = std::mem::replace(&mut self.stage, Stage::Opened);
        let was = if stage == Stage::Opened { Stage::Opened } else { Stage::Works };
        let read = self.reader.read(bytes, limit, &mut |message| {
            stage = std::mem::replace(&mut stage, Stage::Opened).next(&message);
        });
        if let Err(error) = read {
            stage = Stage::Failed(Some(Violation::Frame), error.close_code());
        }
        self.stage = stage;
        self.act(&was, voice);
    }

    fn told(&mut self, _: Word, _: &mut Voice<'_>) {}

    fn announced(&mut self, _: &(dyn Any + Send + Sync), _: &mut Voice<'_>) {}

    fn wake(&mut self, voice: &mut Voice<'_>) {
        if self.deadline.is_some_and(|deadline| deadline <= voice.now()) {
            self.stage = Stage::Failed(Some(Violation::Upgrade), POLICY);
            self.act(&Stage::Works, voice);
        }
    }

    fn moved(&mut self, _: &mut Voice<'_>) {}

    fn rewrite(&self, piece: &[u8]) -> Bytes {
        Bytes::copy_from_slice(piece)
    }

    fn rendering(&self) -> u8 {
        crate::rendering::WEBSOCKET
    }

    fn farewell(&mut self, reason: CloseReason) -> Bytes {
        match self.stage {
            Stage::Failed(violation, code) => websocket::close(code, violation.map_or("", Violation::name)),
            Stage::Opened | Stage::Works | Stage::Changes(_) => websocket::close(GOING_AWAY, reason.name()),
        }
    }

    fn ended(&mut self, _: CloseReason) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(messages: &[Message<'_>]) -> Stage {
        messages.iter().fold(Stage::Opened, Stage::next)
    }

    const PROBE: Message<'_> = Message::Text("2probe");
    const UPGRADE: Message<'_> = Message::Text("5");

    #[test]
    fn a_client_probes_and_changes() {
        assert_eq!(stage(&[PROBE]), Stage::Works);
        assert_eq!(stage(&[PROBE, UPGRADE]), Stage::Changes(Vec::new()));
    }

    #[test]
    fn what_is_said_behind_the_change_is_kept_in_order() {
        let said = stage(&[PROBE, UPGRADE, Message::Text("42[\"a\"]"), Message::Pong, Message::Binary(b"b")]);
        let heard = vec![Heard::Text("42[\"a\"]".to_owned()), Heard::Binary(Bytes::from_static(b"b"))];
        assert_eq!(said, Stage::Changes(heard));
    }

    #[test]
    fn anything_else_fails() {
        for messages in [
            &[UPGRADE][..],
            &[PROBE, PROBE],
            &[Message::Text("2")],
            &[Message::Text("4hello")],
            &[Message::Binary(b"2probe")],
            &[Message::Ping(b"")],
            &[PROBE, Message::Text("3")],
            &[UPGRADE, PROBE, UPGRADE],
        ] {
            assert_eq!(stage(messages), Stage::Failed(Some(Violation::Upgrade), POLICY), "{messages:?}");
        }
    }

    #[test]
    fn a_client_that_leaves_breaks_no_rule() {
        assert_eq!(stage(&[PROBE, Message::Close(None)]), Stage::Failed(None, 1000));
    }
}
