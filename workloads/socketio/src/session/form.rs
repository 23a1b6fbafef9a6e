//! The form in which a transport carries packets.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::{
    engine_packet::EnginePacket,
    namespace::Transport,
    packet::Encoded,
    payload::{self, SEPARATOR},
    websocket,
};

/// A packet of the connection as a piece.
pub(crate) fn engine(transport: Transport, packet: EnginePacket<'_>) -> Bytes {
    let (kind, text) = packet.parts();
    match transport {
        Transport::WebSocket => websocket::text(&[kind.as_bytes(), text.as_bytes()]),
        Transport::Polling => [kind, text].concat().into(),
    }
}

/// A packet with its attachments as one piece: frames of a websocket, or packets of an answer with what stands between them.
pub(crate) fn message(transport: Transport, encoded: &Encoded) -> Bytes {
    let text = engine(transport, EnginePacket::Message(&encoded.text));
    if encoded.attachments.is_empty() {
        return text;
    }
    let mut piece = BytesMut::from(&*text);
    for attachment in &encoded.attachments {
        match transport {
            Transport::WebSocket => piece.extend_from_slice(&websocket::binary(attachment)),
            Transport::Polling => {
                piece.put_u8(SEPARATOR);
                piece.extend_from_slice(&payload::binary(attachment));
            }
        }
    }
    piece.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_with_attachments_is_one_piece() {
        let encoded = Encoded { text: "51-[\"a\"]".to_owned(), attachments: vec![Bytes::from_static(&[1, 2, 3, 4])] };
        assert_eq!(message(Transport::Polling, &encoded), "451-[\"a\"]\u{1e}bAQIDBA==");
        let frames = message(Transport::WebSocket, &encoded);
        assert_eq!(&frames[..], b"\x81\x09451-[\"a\"]\x82\x04\x01\x02\x03\x04");
        assert_eq!(payload::to_frames(&message(Transport::Polling, &encoded)).unwrap(), frames);
    }

    #[test]
    fn packets_of_the_connection_have_their_type_in_front() {
        assert_eq!(engine(Transport::Polling, EnginePacket::Ping("")), "2");
        assert_eq!(&engine(Transport::WebSocket, EnginePacket::Pong("probe"))[..], b"\x81\x063probe");
    }
}
