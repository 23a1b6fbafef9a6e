//! From messages to packets.

use bytes::Bytes;

use super::{Error, Packet, placeholders, reading};
use crate::Arguments;

/// Reads a client's packets. It holds nothing but a packet whose attachments are missing.
///
/// The values of an acknowledgement are not read: nobody here waits for one. There may be very many of them in one message.
///
/// It is as strict as the parser that browsers use, so nothing passes through that would disconnect another client. It is stricter where that one is
/// lenient by accident: blanks in numbers, an event or acknowledgement without data, no number of attachments.
#[derive(Debug, Default)]
pub struct Decoder {
    unfinished: Option<Box<Unfinished>>,
}

#[derive(Debug)]
struct Unfinished {
    /// An event or acknowledgement without its attachments.
    packet: Packet,
    missing: usize,
    attachments: Vec<Bytes>,
    bytes: usize,
}

impl Decoder {
    /// Nothing is unfinished.
    pub const fn new() -> Self {
        Self { unfinished: None }
    }

    /// A text message: a packet, or the beginning of one that has attachments.
    ///
    /// # Errors
    /// When it is no packet of a client. What was unfinished is lost: the client does not speak the protocol.
    pub fn text(&mut self, text: &str, attachments_limit: usize) -> Result<Option<Packet>, Error> {
        if self.unfinished.take().is_some() {
            return Err(Error::TakeText);
        }
        let (packet, count) = reading::packet(text, attachments_limit)?;
        let Some(count) = count else { return Ok(Some(packet)) };
        if let Packet::Event { arguments, .. } = &packet {
            placeholders::check(arguments.values(), count).map_err(Error::ReadPlaceholders)?;
        }
        if count == 0 {
            return Ok(Some(packet));
        }
        self.unfinished = Some(Box::new(Unfinished { packet, missing: count, attachments: Vec::new(), bytes: 0 }));
        Ok(None)
    }

    /// A binary message: an attachment. The packet is there with its last one.
    ///
    /// # Errors
    /// When none was missing, or they are longer together than they may be. What was unfinished is lost.
    pub fn binary(&mut self, bytes: Bytes, byte_limit: usize) -> Result<Option<Packet>, Error> {
        let mut unfinished = self.unfinished.take().ok_or(Error::TakeBinary)?;
        unfinished.bytes = unfinished.bytes.saturating_add(bytes.len());
        if unfinished.bytes > byte_limit {
            return Err(Error::TakeBytes { limit: byte_limit });
        }
        unfinished.attachments.push(bytes);
        unfinished.missing -= 1;
        if unfinished.missing == 0 {
            return Ok(Some(unfinished.finish()));
        }
        self.unfinished = Some(unfinished);
        Ok(None)
    }

    /// Attachments of a packet are missing.
    pub const fn is_waiting(&self) -> bool {
        self.unfinished.is_some()
    }
}

impl Unfinished {
    fn finish(self) -> Packet {
        let Self { mut packet, attachments, .. } = self;
        if let Packet::Event { arguments, .. } | Packet::Acknowledgement { arguments, .. } = &mut packet {
            *arguments = Arguments::from_parts(arguments.values().to_vec(), attachments);
        }
        packet
    }
}
