//! Bodies of polling: packets of Engine.IO joined by [`SEPARATOR`], binary ones as `b` and Base64.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;

use crate::websocket;

/// Stands between two packets. JSON texts hold it as an escape only. The engine is told twice, and always this: for what a session says
/// (`Engine::converse`), and for events (`Rendering::separator`).
pub const SEPARATOR: u8 = 0x1e;

/// Some clients leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One packet of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The text of an [`EnginePacket`](crate::EnginePacket).
    Text(&'a str),
    /// A binary message.
    Binary(Bytes),
}

/// Why a body holds no packets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is nothing before, between or behind separators.
    #[error("failed to read a packet of a body: it is empty")]
    ReadEmpty,
    /// A packet is no text.
    #[error("failed to read a packet of a body as text")]
    ReadText(#[source] std::str::Utf8Error),
    /// A binary packet is not Base64.
    #[error("failed to read a binary packet of a body")]
    ReadBinary(#[source] base64::DecodeError),
}

/// The packets of a body. A body of so many bytes makes no more bytes of them.
pub fn split(body: &[u8]) -> impl Iterator<Item = Result<Piece<'_>, Error>> {
    body.split(|byte| *byte == SEPARATOR).map(piece)
}

/// A binary message as a packet of a body.
pub fn binary(bytes: &[u8]) -> Bytes {
    let mut text = String::with_capacity(1 + bytes.len().div_ceil(3) * 4);
    text.push('b');
    BASE64.encode_string(bytes, &mut text);
    text.into()
}

/// Packets of a body as frames of a websocket.
///
/// # Errors
/// When a packet is none: [`split`].
pub fn to_frames(body: &[u8]) -> Result<Bytes, Error> {
    let mut frames = Vec::with_capacity(body.len() + 16);
    for piece in split(body) {
        match piece? {
            Piece::Text(text) => websocket::put_text(&[text.as_bytes()], &mut frames),
            Piece::Binary(bytes) => websocket::put_binary(&bytes, &mut frames),
        }
    }
    Ok(frames.into())
}

fn piece(packet: &[u8]) -> Result<Piece<'_>, Error> {
    match packet {
        [] => Err(Error::ReadEmpty),
        [b'b', encoded @ ..] => {
            BASE64.decode(encoded).map(|bytes| Piece::Binary(bytes.into())).map_err(Error::ReadBinary)
        }
        text => std::str::from_utf8(text).map(Piece::Text).map_err(Error::ReadText),
    }
}

#[cfg(test)]
mod tests;
