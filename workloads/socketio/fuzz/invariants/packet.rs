//! What holds of a client's packets whatever it sends; shared by the fuzz target and the test suite.

use bytes::Bytes;
use realtime_socketio::{Decoder, EnginePacket, Packet};

/// Most attachments of an event.
const ATTACHMENTS: usize = 4;

/// Most bytes of its attachments.
const BYTES: usize = 64;

/// Begins a line that is a binary message.
const BINARY: u8 = b'#';

/// Checks everything that holds when each line is a message.
///
/// # Panics
/// When something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    let mut decoder = Decoder::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let waited = decoder.is_waiting();
        let packet = if let [BINARY, attachment @ ..] = line {
            assert!(attachment.len() <= bytes.len());
            decoder.binary(Bytes::copy_from_slice(attachment), BYTES)
        } else {
            let Ok(text) = std::str::from_utf8(line) else { continue };
            engine(text);
            let packet = decoder.text(text, ATTACHMENTS);
            assert!(!waited || packet.is_err(), "a text was taken while attachments were missing");
            packet
        };
        match packet {
            Ok(Some(packet)) => {
                assert!(!decoder.is_waiting(), "a packet came, and more of it is missing");
                survives(&packet);
            }
            Ok(None) => assert!(decoder.is_waiting(), "nothing came, and nothing is missing"),
            Err(_) => assert!(!decoder.is_waiting(), "something is kept of what is no packet"),
        }
    }
}

/// A packet that is sent on is read as what it was, by the same rules.
fn survives(packet: &Packet) {
    let encoded = packet.encode();
    assert!(encoded.attachments.len() <= ATTACHMENTS, "too many attachments");
    assert!(encoded.attachments.iter().map(Bytes::len).sum::<usize>() <= BYTES, "too long attachments");
    assert!(!encoded.text.contains('\u{1e}'), "a packet would become two in a body: {packet:?}");
    let mut decoder = Decoder::new();
    let mut again =
        decoder.text(&encoded.text, ATTACHMENTS).unwrap_or_else(|error| unreachable!("{packet:?}: {error}"));
    for attachment in encoded.attachments.clone() {
        assert!(again.is_none(), "attachments are missing from a whole packet");
        again = decoder.binary(attachment, BYTES).unwrap_or_else(|error| unreachable!("{packet:?}: {error}"));
    }
    let again = again.unwrap_or_else(|| unreachable!("{packet:?} is not whole"));
    assert_eq!(again.encode(), encoded);
    assert_eq!(format!("{again:?}"), format!("{packet:?}"));
}

fn engine(text: &str) {
    if let Ok(packet) = EnginePacket::parse(text) {
        let encoded = packet.encode();
        assert!(text.starts_with(&encoded), "{text:?} became {encoded:?}");
        assert_eq!(EnginePacket::parse(&encoded), Ok(packet));
    }
}
