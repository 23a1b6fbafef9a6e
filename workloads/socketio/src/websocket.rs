//! Frames of a websocket, seen from the server: <https://datatracker.ietf.org/doc/html/rfc6455>. No extension is agreed on.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use sha1::{Digest, Sha1};
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

mod reader;

pub use reader::Reader;

/// Longest payload of a control frame, in bytes (section 5.5).
const CONTROL_BYTES: usize = 125;

/// What a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
    /// A frame came whole, and is not the last one of its message. It says nothing yet, but there may be many.
    Part,
    /// Wants a [`pong`] with the same bytes.
    Ping(&'a [u8]),
    /// Answers a ping.
    Pong,
    /// Leaves, with a code if it gave one. What comes behind is not read.
    Close(Option<u16>),
}

/// Why a client is not understood. The connection is closed, with [`Error::close_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A frame breaks the rules.
    #[error("failed to read a frame: {0}")]
    ReadFrame(&'static str),
    /// A text is none.
    #[error("failed to read a text: it is not UTF-8")]
    ReadText,
    /// A message is too long.
    #[error("failed to take a message of more than {limit} bytes")]
    TakeMessage {
        /// How long it may be.
        limit: usize,
    },
}

impl Error {
    /// What a close frame says of it (section 7.4.1).
    pub const fn close_code(&self) -> u16 {
        match self {
            Self::ReadFrame(_) => 1002,
            Self::ReadText => 1007,
            Self::TakeMessage { .. } => 1009,
        }
    }
}

/// A frame with a whole text, which comes in parts.
pub fn text(parts: &[&[u8]]) -> Bytes {
    let mut frame = Vec::with_capacity(10 + length(parts));
    put_text(parts, &mut frame);
    frame.into()
}

/// A frame with a whole binary message.
pub fn binary(payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(10 + payload.len());
    put_binary(payload, &mut frame);
    frame.into()
}

/// The answer to a ping, with the ping's bytes. More than a control frame may hold are left away.
pub fn pong(payload: &[u8]) -> Bytes {
    let mut frame = Vec::new();
    let payload = &payload[..payload.len().min(CONTROL_BYTES)];
    put(OpCode::Control(Control::Pong), &[payload], &mut frame);
    frame.into()
}

/// The end of what the server says, with a code of section 7.4.1 and a reason for people, cut where it is too long.
pub fn close(code: u16, reason: &str) -> Bytes {
    let reason = &reason[..reason.floor_char_boundary(CONTROL_BYTES - 2)];
    let mut frame = Vec::new();
    put(OpCode::Control(Control::Close), &[&code.to_be_bytes(), reason.as_bytes()], &mut frame);
    frame.into()
}

/// What the answer to an opening has to say in `sec-websocket-accept`, by the request's `sec-websocket-key` (section 4.2.2).
pub fn accept(key: &str) -> String {
    let digest = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    STANDARD.encode(digest)
}

pub(crate) fn put_text(parts: &[&[u8]], frames: &mut Vec<u8>) {
    put(OpCode::Data(Data::Text), parts, frames);
}

pub(crate) fn put_binary(payload: &[u8], frames: &mut Vec<u8>) {
    put(OpCode::Data(Data::Binary), &[payload], frames);
}

/// Appends a whole message as one frame. A server does not mask (section 5.1).
fn put(opcode: OpCode, parts: &[&[u8]], frames: &mut Vec<u8>) {
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    let written = header.format(length(parts) as u64, frames);
    debug_assert!(written.is_ok(), "a Vec takes every byte");
    for part in parts {
        frames.extend_from_slice(part);
    }
}

fn length(parts: &[&[u8]]) -> usize {
    parts.iter().map(|part| part.len()).sum()
}

#[cfg(test)]
mod tests;
