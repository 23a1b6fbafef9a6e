//! What holds of the bytes of a client's websocket whatever they are; shared by the fuzz target and the test suite.

use realtime_socketio::websocket::{Error, Message, Reader};

/// Longest message.
const LIMIT: usize = 200;

/// A message that outlives its bytes.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Part,
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

/// Checks everything that holds of these bytes.
///
/// # Panics
/// When something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    let whole = read(bytes, &mut std::iter::repeat(bytes.len().max(1)));
    for piece in [1, 2, 3, 13, 64] {
        assert_eq!(read(bytes, &mut std::iter::repeat(piece)), whole, "in pieces of {piece}");
    }
    // Pieces as irregular as the bytes.
    assert_eq!(read(bytes, &mut bytes.iter().cycle().map(|byte| usize::from(*byte % 17) + 1)), whole, "in pieces");
    let (messages, end, waiting) = whole;
    assert!(!waiting || end.is_ok(), "something is kept after an error");
    for (index, message) in messages.iter().enumerate() {
        match message {
            Heard::Text(text) => assert!(text.len() <= LIMIT, "{} bytes", text.len()),
            Heard::Binary(bytes) => assert!(bytes.len() <= LIMIT, "{} bytes", bytes.len()),
            Heard::Ping(bytes) => assert!(bytes.len() <= 125, "{} bytes", bytes.len()),
            Heard::Part | Heard::Pong => (),
            Heard::Close(_) => {
                assert!(index + 1 == messages.len() && end.is_ok() && !waiting, "something came after a close");
            }
        }
    }
    if let Err(error) = end {
        assert!([1002, 1007, 1009].contains(&error.close_code()));
    }
}

/// What is heard, how it ends, and whether more is waited for.
fn read(bytes: &[u8], pieces: &mut dyn Iterator<Item = usize>) -> (Vec<Heard>, Result<(), Error>, bool) {
    let mut reader = Reader::new();
    let mut all = Vec::new();
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    while !rest.is_empty() {
        let piece = pieces.next().expect("a piece").min(rest.len());
        let (part, behind) = rest.split_at_mut(piece);
        rest = behind;
        if let Err(error) = reader.read(part, LIMIT, &mut |message| all.push(heard(message))) {
            let later = reader.read(rest, LIMIT, &mut |message| unreachable!("{message:?} after an error"));
            assert_eq!(later, Ok(()));
            return (all, Err(error), reader.is_waiting());
        }
    }
    (all, Ok(()), reader.is_waiting())
}

fn heard(message: Message<'_>) -> Heard {
    match message {
        Message::Text(text) => Heard::Text(text.to_owned()),
        Message::Binary(bytes) => Heard::Binary(bytes.to_vec()),
        Message::Part => Heard::Part,
        Message::Ping(bytes) => Heard::Ping(bytes.to_vec()),
        Message::Pong => Heard::Pong,
        Message::Close(code) => Heard::Close(code),
    }
}
