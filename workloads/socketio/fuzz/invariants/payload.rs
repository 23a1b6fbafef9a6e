//! What holds of a body of polling whatever is in it; shared by the fuzz target and the test suite.

use std::io::Cursor;

use realtime_socketio::payload::{self, Piece, SEPARATOR};
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

/// Checks everything that holds of this body.
///
/// # Panics
/// When something does not hold.
pub(crate) fn check(body: &[u8]) {
    let pieces: Result<Vec<_>, _> = payload::split(body).collect();
    let frames = payload::to_frames(body);
    assert_eq!(pieces.as_ref().err(), frames.as_ref().err());
    let (Ok(pieces), Ok(frames)) = (pieces, frames) else { return };
    let length: usize = pieces.iter().map(|piece| content(piece).len()).sum();
    assert!(length <= body.len(), "{} bytes became {length}", body.len());
    let packets: Vec<Vec<u8>> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_bytes().to_vec(),
            Piece::Binary(bytes) => payload::binary(bytes).to_vec(),
        })
        .collect();
    let again = packets.join(&SEPARATOR);
    assert_eq!(payload::split(&again).collect::<Result<Vec<_>, _>>().as_ref(), Ok(&pieces));
    same(&pieces, &frames);
}

/// Every packet is one frame.
fn same(pieces: &[Piece<'_>], mut frames: &[u8]) {
    for piece in pieces {
        let mut cursor = Cursor::new(frames);
        let (header, length) = FrameHeader::parse(&mut cursor).expect("a frame").expect("a whole head");
        let kind = if matches!(piece, Piece::Text(_)) { Data::Text } else { Data::Binary };
        assert_eq!(header, FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() });
        let begin = usize::try_from(cursor.position()).expect("a place");
        let end = begin + usize::try_from(length).expect("a length");
        assert_eq!(&frames[begin..end], content(piece));
        frames = &frames[end..];
    }
    assert!(frames.is_empty(), "{} bytes behind the last frame", frames.len());
}

fn content<'a>(piece: &'a Piece<'_>) -> &'a [u8] {
    match piece {
        Piece::Text(text) => text.as_bytes(),
        Piece::Binary(bytes) => bytes,
    }
}
