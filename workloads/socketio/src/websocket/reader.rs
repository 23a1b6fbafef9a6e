//! From bytes to messages.

use std::{io::Cursor, mem};

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

use super::{CONTROL_BYTES, Error, Message};

/// Longest head of a frame, in bytes.
const HEAD_BYTES: usize = 14;

/// Reads what a client sends, however it is split. Between messages it holds no memory, and of a frame that came at once it copies nothing.
#[derive(Debug, Default)]
pub struct Reader {
    unfinished: Option<Box<Unfinished>>,
    /// Nothing more is read: the client has left, or is not understood.
    over: bool,
}

/// What came of a message so far.
#[derive(Debug, Default)]
struct Unfinished {
    /// Of a frame whose head is not whole.
    head: [u8; HEAD_BYTES],
    head_length: usize,
    /// The frame whose payload is not whole.
    frame: Option<Frame>,
    /// The message that comes in several frames.
    kind: Option<Kind>,
    /// Payload of that message, or of the data frame that is not whole.
    message: Vec<u8>,
    /// Payload of the control frame that is not whole; one may stand between the frames of a message.
    control: Vec<u8>,
}

/// The head of a frame, checked.
#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: Opcode,
    is_final: bool,
    /// Turned, so that it begins with the byte for the next one of the payload.
    mask: [u8; 4],
    /// Bytes of the payload that did not come yet.
    missing: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opcode {
    Data(Kind),
    Ping,
    Pong,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

impl Reader {
    /// Nothing came yet.
    pub const fn new() -> Self {
        Self { unfinished: None, over: false }
    }

    /// Takes the bytes that came next, and gives away each message that they complete, and each [part](Message::Part). The bytes are unmasked where they are. A message may have at
    /// most `limit` bytes; a longer one is refused before any memory is taken for it.
    ///
    /// # Errors
    /// When the client breaks the rules or a message is too long. Messages before it have been given away. Nothing is read afterwards.
    pub fn read(&mut self, mut bytes: &mut [u8], limit: usize, take: &mut dyn FnMut(Message<'_>)) -> Result<(), Error> {
        while !bytes.is_empty() && !self.over {
            match self.step(bytes, limit, take) {
                Ok(rest) => bytes = rest,
                Err(error) => {
                    *self = Self { unfinished: None, over: true };
                    return Err(error);
                }
            }
        }
        if self.over || self.unfinished.as_ref().is_some_and(|unfinished| unfinished.is_empty()) {
            self.unfinished = None;
        }
        Ok(())
    }

    /// A message has begun and is not whole.
    pub const fn is_waiting(&self) -> bool {
        self.unfinished.is_some()
    }

    /// One frame, or what there is of it. Gives back the bytes behind it.
    fn step<'a>(
        &mut self,
        bytes: &'a mut [u8],
        limit: usize,
        take: &mut dyn FnMut(Message<'_>),
    ) -> Result<&'a mut [u8], Error> {
        let frame = self.unfinished.as_mut().and_then(|unfinished| unfinished.frame.take());
        let (mut frame, rest) = match frame {
            Some(frame) => (frame, bytes),
            None => match self.head(bytes, limit)? {
                (Some(frame), rest) => (frame, rest),
                (None, rest) => return Ok(rest),
            },
        };
        let (payload, rest) = rest.split_at_mut(frame.missing.min(rest.len()));
        frame.take(payload);
        if frame.missing > 0 {
            let unfinished = self.unfinished.get_or_insert_default();
            unfinished.payload_of(frame.opcode).extend_from_slice(payload);
            unfinished.frame = Some(frame);
        } else if let Opcode::Data(kind) = frame.opcode {
            self.finish_data(kind, frame.is_final, payload, take)?;
        } else {
            self.finish_control(frame.opcode, payload, take)?;
        }
        Ok(rest)
    }

    /// The head of the next frame, if it is whole.
    fn head<'a>(&mut self, bytes: &'a mut [u8], limit: usize) -> Result<(Option<Frame>, &'a mut [u8]), Error> {
        let unfinished = self.unfinished.as_deref_mut();
        let (kind, message) = unfinished.as_ref().map_or((None, 0), |held| (held.kind, held.message.len()));
        let Some(unfinished) = unfinished.filter(|held| held.head_length > 0) else {
            return if let Some((frame, length)) = Frame::parse(bytes, kind, message, limit)? {
                Ok((Some(frame), &mut bytes[length..]))
            } else {
                let unfinished = self.unfinished.get_or_insert_default();
                unfinished.head[..bytes.len()].copy_from_slice(bytes);
                unfinished.head_length = bytes.len();
                Ok((None, &mut []))
            };
        };
        let before = unfinished.head_length;
        let taken = bytes.len().min(HEAD_BYTES - before);
        unfinished.head[before..before + taken].copy_from_slice(&bytes[..taken]);
        let parsed = Frame::parse(&unfinished.head[..before + taken], kind, message, limit)?;
        let Some((frame, length)) = parsed else {
            unfinished.head_length += taken;
            return Ok((None, &mut bytes[taken..]));
        };
        unfinished.head_length = 0;
        Ok((Some(frame), &mut bytes[length - before..]))
    }

    fn finish_data(
        &mut self,
        kind: Kind,
        is_final: bool,
        payload: &[u8],
        take: &mut dyn FnMut(Message<'_>),
    ) -> Result<(), Error> {
        if !is_final {
            let unfinished = self.unfinished.get_or_insert_default();
            unfinished.kind = Some(kind);
            unfinished.message.extend_from_slice(payload);
            take(Message::Part);
            return Ok(());
        }
        let Some(unfinished) = self.unfinished.as_mut() else { return give(kind, payload, take) };
        unfinished.kind = None;
        let mut message = mem::take(&mut unfinished.message);
        if message.is_empty() {
            return give(kind, payload, take);
        }
        message.extend_from_slice(payload);
        give(kind, &message, take)
    }

    fn finish_control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        take: &mut dyn FnMut(Message<'_>),
    ) -> Result<(), Error> {
        let mut whole = self.unfinished.as_mut().map_or_else(Vec::new, |held| mem::take(&mut held.control));
        let payload = if whole.is_empty() {
            payload
        } else {
            whole.extend_from_slice(payload);
            &whole
        };
        match opcode {
            Opcode::Ping => take(Message::Ping(payload)),
            Opcode::Close => {
                let code = close_code(payload)?;
                self.over = true;
                take(Message::Close(code));
            }
            Opcode::Pong | Opcode::Data(_) => take(Message::Pong),
        }
        Ok(())
    }
}

impl Unfinished {
    const fn is_empty(&self) -> bool {
        self.head_length == 0 && self.frame.is_none() && self.kind.is_none()
    }

    const fn payload_of(&mut self, opcode: Opcode) -> &mut Vec<u8> {
        match opcode {
            Opcode::Data(_) => &mut self.message,
            Opcode::Ping | Opcode::Pong | Opcode::Close => &mut self.control,
        }
    }
}

impl Frame {
    /// Reads and checks a head and says how long it is; `None` when there is more of it to come. `kind` and `message` are what came of a message in
    /// several frames.
    fn parse(bytes: &[u8], kind: Option<Kind>, message: usize, limit: usize) -> Result<Option<(Self, usize)>, Error> {
        let mut cursor = Cursor::new(bytes);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Error::ReadFrame("its opcode is reserved"))?;
        let Some((header, length)) = parsed else { return Ok(None) };
        let head_length = usize::try_from(cursor.position()).unwrap_or(HEAD_BYTES);
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Error::ReadFrame("a reserved bit is set"));
        }
        let mask = header.mask.ok_or(Error::ReadFrame("it is not masked"))?;
        if header.len(length) != head_length {
            return Err(Error::ReadFrame("its length is not written in as few bytes as possible"));
        }
        let opcode = Opcode::of(header.opcode, kind)?;
        let most = match opcode {
            Opcode::Data(_) => limit.saturating_sub(message),
            _ if !header.is_final => return Err(Error::ReadFrame("it is a control frame, and not the last one")),
            _ => CONTROL_BYTES,
        };
        let is_final = header.is_final;
        match usize::try_from(length) {
            Ok(missing) if missing <= most => Ok(Some((Self { opcode, is_final, mask, missing }, head_length))),
            _ if matches!(opcode, Opcode::Data(_)) => Err(Error::TakeMessage { limit }),
            _ => Err(Error::ReadFrame("it is a control frame, and longer than 125 bytes")),
        }
    }

    /// Unmasks bytes of the payload.
    fn take(&mut self, payload: &mut [u8]) {
        unmask(payload, self.mask);
        self.mask.rotate_left(payload.len() % 4);
        self.missing -= payload.len();
    }
}

impl Opcode {
    /// `kind` is that of the message whose frames are coming.
    const fn of(opcode: OpCode, kind: Option<Kind>) -> Result<Self, Error> {
        match (opcode, kind) {
            (OpCode::Data(Data::Continue), Some(kind)) => Ok(Self::Data(kind)),
            (OpCode::Data(Data::Continue), None) => Err(Error::ReadFrame("it continues no message")),
            (OpCode::Data(Data::Text), None) => Ok(Self::Data(Kind::Text)),
            (OpCode::Data(Data::Binary), None) => Ok(Self::Data(Kind::Binary)),
            (OpCode::Data(Data::Text | Data::Binary), Some(_)) => {
                Err(Error::ReadFrame("it begins a message before the one before it has ended"))
            }
            (OpCode::Control(Control::Ping), _) => Ok(Self::Ping),
            (OpCode::Control(Control::Pong), _) => Ok(Self::Pong),
            (OpCode::Control(Control::Close), _) => Ok(Self::Close),
            (OpCode::Data(Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)), _) => {
                Err(Error::ReadFrame("its opcode is reserved"))
            }
        }
    }
}

fn give(kind: Kind, message: &[u8], take: &mut dyn FnMut(Message<'_>)) -> Result<(), Error> {
    match kind {
        Kind::Text => take(Message::Text(std::str::from_utf8(message).map_err(|_| Error::ReadText)?)),
        Kind::Binary => take(Message::Binary(message)),
    }
    Ok(())
}

/// Nothing, or a code and a reason (section 5.5.1).
fn close_code(payload: &[u8]) -> Result<Option<u16>, Error> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(Error::ReadFrame("its close code is cut off")) };
    };
    let code = u16::from_be_bytes(*code);
    if !CloseCode::from(code).is_allowed() {
        return Err(Error::ReadFrame("its close code is none"));
    }
    std::str::from_utf8(reason).map_err(|_| Error::ReadText)?;
    Ok(Some(code))
}

/// Section 5.3, eight bytes at a time.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}
