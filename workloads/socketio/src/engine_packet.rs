//! Packets of the Engine.IO protocol, revision 4: <https://github.com/socketio/socket.io/blob/main/docs/engine.io-protocol/v4-current.md>.

/// A packet of text. A binary message has no type and no packet: it is its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnginePacket<'a> {
    /// The session has begun; what the client has to know of it, as JSON.
    Open(&'a str),
    /// The sender leaves.
    Close,
    /// Asks for a pong with the same text, which is empty but for the probe of a new transport.
    Ping(&'a str),
    /// Answers a ping.
    Pong(&'a str),
    /// A packet of the protocol above.
    Message(&'a str),
    /// The client has changed the transport.
    Upgrade,
    /// Nothing: ends a waiting GET.
    Noop,
}

/// Why a text is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is none.
    #[error("failed to read a packet of Engine.IO: it is empty")]
    ReadEmpty,
    /// None has this type.
    #[error("failed to read a packet of Engine.IO: {0:?} is no type")]
    ReadType(char),
}

impl<'a> EnginePacket<'a> {
    /// Reads a packet. What stands behind a type that says everything by itself is skipped, as other servers do.
    ///
    /// # Errors
    /// When no packet begins so.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let mut characters = text.chars();
        let kind = characters.next().ok_or(Error::ReadEmpty)?;
        let rest = characters.as_str();
        match kind {
            '0' => Ok(Self::Open(rest)),
            '1' => Ok(Self::Close),
            '2' => Ok(Self::Ping(rest)),
            '3' => Ok(Self::Pong(rest)),
            '4' => Ok(Self::Message(rest)),
            '5' => Ok(Self::Upgrade),
            '6' => Ok(Self::Noop),
            other => Err(Error::ReadType(other)),
        }
    }

    /// Its text.
    pub fn encode(&self) -> String {
        let (kind, text) = self.parts();
        [kind, text].concat()
    }

    /// Its text in two parts: the type, and what stands behind it. A long message need not be copied.
    pub const fn parts(&self) -> (&'static str, &'a str) {
        match self {
            Self::Open(text) => ("0", text),
            Self::Close => ("1", ""),
            Self::Ping(text) => ("2", text),
            Self::Pong(text) => ("3", text),
            Self::Message(text) => ("4", text),
            Self::Upgrade => ("5", ""),
            Self::Noop => ("6", ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_and_written() {
        let packets = [
            ("0{\"sid\":\"a\"}", EnginePacket::Open("{\"sid\":\"a\"}")),
            ("1", EnginePacket::Close),
            ("2", EnginePacket::Ping("")),
            ("2probe", EnginePacket::Ping("probe")),
            ("3", EnginePacket::Pong("")),
            ("3probe", EnginePacket::Pong("probe")),
            ("4", EnginePacket::Message("")),
            ("4hello", EnginePacket::Message("hello")),
            ("4utf8 — string", EnginePacket::Message("utf8 — string")),
            ("5", EnginePacket::Upgrade),
            ("6", EnginePacket::Noop),
        ];
        for (text, packet) in packets {
            assert_eq!(EnginePacket::parse(text), Ok(packet));
            assert_eq!(packet.encode(), text);
        }
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        assert_eq!(EnginePacket::parse(""), Err(Error::ReadEmpty));
        assert_eq!(EnginePacket::parse("7"), Err(Error::ReadType('7')));
        assert_eq!(EnginePacket::parse("abc"), Err(Error::ReadType('a')));
        assert_eq!(EnginePacket::parse("b4"), Err(Error::ReadType('b')));
        assert_eq!(EnginePacket::parse("\u{1e}4"), Err(Error::ReadType('\u{1e}')));
        assert_eq!(EnginePacket::parse("é"), Err(Error::ReadType('é')));
    }
}
