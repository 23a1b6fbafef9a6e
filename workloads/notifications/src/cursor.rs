//! Cursors: a place in all topics of the stream as one signed word.
//!
//! ```text
//! base64url( 1 | per topic, in the order of names: mark of the name, mark of the life, partitions, next offset of each | signature )
//! ```
//!
//! A mark has 4 bytes: the beginning of the SHA-256 of the name, or of the name with the id that Kafka gave the topic. Numbers are written in
//! groups of seven bits, the lowest first. The signature is the first 8 bytes of an HMAC-SHA256 over all before it. A topic that did
//! not exist yet stands there with a life of zeros, one of which that was not known with a life of ones; a partition whose end was not known has
//! the greatest number.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac, digest::Key};
use realtime_fanout::{CursorCodec, Lane, Vector};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tracing::error;

use crate::lanes::{Lanes, Life, Mark, Topic, UNKNOWN};

const VERSION: u8 = 1;
const SIGNATURE_BYTES: usize = 8;
/// How long a client waits for a look at the topics.
const PATIENCE: Duration = Duration::from_secs(2);
/// The next offset of a partition whose end was not known.
const NOT_KNOWN: u64 = u64::MAX;
/// Characters of a cursor at most.
const LONGEST: usize = 4096;

/// Why a text cannot be used as a cursor. For clients all of them but the last are a gap with reason `invalid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    /// Longer than any cursor.
    #[error("failed to take a cursor of {characters} characters: {LONGEST} are allowed")]
    TakeText { characters: usize },
    /// It is not base64url, or too short.
    #[error("failed to read the text as a cursor")]
    ReadText,
    /// Signed with another key, or changed.
    #[error("failed to verify the cursor's signature")]
    VerifySignature,
    /// Signed with our key, but of another version.
    #[error("failed to read the cursor's content")]
    ReadContent,
    /// It is good, but this instance does not know yet which life of a topic is the current one.
    #[error("failed to learn in time which topics there are")]
    LearnTopics,
}

/// What a cursor says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The place. A topic that the cursor's stream did not have stands at what is newest; one that was created anew since then, at its
    /// beginning.
    pub(crate) vector: Vector,
    /// Topics that were created anew since then: for clients a gap with reason `epoch`.
    pub(crate) recreated: Vec<Box<str>>,
}

/// Writes and reads cursors.
pub(crate) struct Codec {
    lanes: Arc<Lanes>,
    signature: Hmac<Sha256>,
    /// Cursors are too long, which was logged.
    too_long: AtomicBool,
}

/// A topic's part of a cursor.
struct Entry {
    name: Mark,
    life: Mark,
    next: Vec<u64>,
}

impl Codec {
    /// Signs with the key, a secret of any length.
    pub(crate) fn new(lanes: Arc<Lanes>, key: &[u8]) -> Self {
        let mut block = Key::<Hmac<Sha256>>::default();
        for (to, from) in block.iter_mut().zip(Sha256::digest(key)) {
            *to = from;
        }
        Self { lanes, signature: Hmac::new(&block), too_long: AtomicBool::new(false) }
    }

    /// Reads a cursor. `newest` is how far the stream has come.
    ///
    /// # Errors
    /// [`Refused`] when it is none of this stack.
    pub(crate) fn decode(&self, text: &str, newest: &Vector) -> Result<Decoded, Refused> {
        let entries = entries(&self.verify(text)?).ok_or(Refused::ReadContent)?;
        self.extend(&entries);
        let mut unknown = false;
        let mut decoded = Decoded { vector: Vector::default(), recreated: Vec::new() };
        self.lanes.each(|name, topic| {
            let lanes = topic.life.as_ref().map_or(&[][..], |life| &life.lanes);
            match entries.iter().find(|entry| entry.name == topic.mark) {
                Some(entry) if entry.life != UNKNOWN => match &topic.life {
                    // It did not exist, so all of it is new.
                    _ if entry.life == Mark::default() => {}
                    Some(life) if entry.life == life.mark => {
                        if place(life, &entry.next, newest, &mut decoded.vector) == Past::Cut {
                            decoded.recreated.push(name.into());
                        }
                    }
                    None if !topic.absent => unknown = true,
                    _ => decoded.recreated.push(name.into()),
                },
                _ => lanes.iter().for_each(|lane| decoded.vector.set(*lane, newest.next(*lane))),
            }
        });
        if unknown { Err(Refused::LearnTopics) } else { Ok(decoded) }
    }

    /// Like [`Self::decode`]. A cursor of a life of a topic that is not the one that is known here may come from an instance that knows more, or
    /// less: the brokers are asked before it is taken for one of another epoch.
    ///
    /// # Errors
    /// [`Refused`] when it is none of this stack; [`Refused::LearnTopics`] when the brokers do not answer.
    pub(crate) async fn read(&self, text: &str, newest: &Vector) -> Result<Decoded, Refused> {
        let decoded = self.decode(text, newest);
        let doubtful = match &decoded {
            Ok(decoded) => !decoded.recreated.is_empty(),
            Err(refused) => *refused == Refused::LearnTopics,
        };
        if !doubtful {
            return decoded;
        }
        if !self.lanes.surveys.renew(PATIENCE).await {
            return Err(Refused::LearnTopics);
        }
        self.decode(text, newest)
    }

    fn verify(&self, text: &str) -> Result<Vec<u8>, Refused> {
        if text.len() > LONGEST {
            return Err(Refused::TakeText { characters: text.len() });
        }
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::ReadText)?;
        let content = bytes.len().checked_sub(SIGNATURE_BYTES).ok_or(Refused::ReadText)?;
        let signature = bytes.split_off(content);
        let expected = self.signature.clone().chain_update(&bytes);
        expected.verify_truncated_left(&signature).map_err(|_| Refused::VerifySignature)?;
        Ok(bytes)
    }

    /// Another instance saw partitions that this one will see soon.
    fn extend(&self, entries: &[Entry]) {
        let mut grown = Vec::new();
        self.lanes.each(|name, topic| {
            let Some(found) = &topic.life else { return };
            let same = |entry: &&Entry| entry.name == topic.mark && entry.life == found.mark;
            if let Some(entry) = entries.iter().find(same).filter(|entry| entry.next.len() > found.lanes.len()) {
                grown.push((Box::<str>::from(name), found.id, entry.next.len()));
            }
        });
        for (name, id, partitions) in grown {
            self.lanes.grow(&name, id, partitions);
        }
    }
}

impl CursorCodec for Codec {
    fn encode(&self, vector: &Vector) -> String {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(VERSION);
        self.lanes.each(|_, topic| {
            let lanes = topic.life.as_ref().map_or(&[][..], |life| &life.lanes);
            bytes.extend(topic.mark);
            bytes.extend(life(topic));
            write_number(&mut bytes, lanes.len() as u64);
            for (partition, lane) in (0..).zip(lanes) {
                let away = topic.life.as_ref().is_some_and(|life| life.away.contains(&partition));
                let next = next(vector, *lane);
                write_number(&mut bytes, if away && next == 0 { NOT_KNOWN } else { next });
            }
        });
        let signature = self.signature.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend(signature.iter().take(SIGNATURE_BYTES));
        let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        if text.len() > LONGEST && !self.too_long.swap(true, Ordering::Relaxed) {
            let characters = text.len();
            error!(characters, longest = LONGEST, "the topics have too many partitions: nobody can resume");
        }
        text
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Codec")
    }
}

/// A lane may be given up between two looks at it; the greatest number then stands in the vector, which no log reaches.
fn next(vector: &Vector, lane: Lane) -> u64 {
    let next = vector.next(lane);
    if next == u64::MAX { 0 } else { next }
}

/// Whether the log still has all that came before the cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Past {
    Whole,
    Cut,
}

/// Puts a life's part of a cursor into the vector.
fn place(life: &Life, entry: &[u64], newest: &Vector, vector: &mut Vector) -> Past {
    let mut past = Past::Whole;
    for (partition, (lane, next)) in (0..).zip(life.lanes.iter().zip(entry)) {
        if *next == NOT_KNOWN {
            vector.set(*lane, newest.next(*lane));
            continue;
        }
        vector.set(*lane, *next);
        if life.cuts.get(&partition).is_some_and(|cut| next < cut) {
            past = Past::Cut;
        }
    }
    past
}

fn life(topic: &Topic) -> Mark {
    let none = if topic.absent { Mark::default() } else { UNKNOWN };
    topic.life.as_ref().map_or(none, |life| life.mark)
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number off the front; `None` when there is none.
fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn entries(content: &[u8]) -> Option<Vec<Entry>> {
    let (&VERSION, mut rest) = content.split_first()? else { return None };
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (name, behind) = rest.split_first_chunk()?;
        let (life, behind) = behind.split_first_chunk()?;
        rest = behind;
        let partitions = read_number(&mut rest)?;
        // Each takes a byte at least, so a number that lies ends here.
        let next = (0..partitions).map(|_| read_number(&mut rest)).collect::<Option<_>>()?;
        entries.push(Entry { name: *name, life: *life, next });
    }
    Some(entries)
}

#[cfg(test)]
mod tests;
