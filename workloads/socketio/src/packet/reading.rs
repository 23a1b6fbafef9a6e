//! A packet's text.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{Error, MAIN, Name, Packet};
use crate::Arguments;

/// What libraries tell their programs by themselves.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Reads a packet; of a binary one also the number of its attachments.
pub(super) fn packet(text: &str, attachments_limit: usize) -> Result<(Packet, Option<usize>), Error> {
    let (kind, rest) = text.split_at_checked(1).ok_or(Error::ReadType)?;
    let (count, rest) = if matches!(kind, "5" | "6") {
        let (count, rest) = attachments(rest, attachments_limit)?;
        (Some(count), rest)
    } else {
        (None, rest)
    };
    let (namespace, rest) = namespace(rest)?;
    let (id, data) = id(rest)?;
    let packet = match kind {
        "0" => Packet::Connect { namespace, data: optional_object(data)? },
        "1" if data.is_empty() => Packet::Disconnect { namespace },
        "1" => return Err(Error::ReadShape("absent")),
        "2" | "5" => event(namespace, id, data)?,
        "3" | "6" => Packet::Acknowledgement {
            namespace,
            id: id.ok_or(Error::ReadId)?,
            arguments: unread_list(data).map(|()| Arguments::new())?,
        },
        "4" => connect_error(namespace, data)?,
        _ => return Err(Error::ReadType),
    };
    Ok((packet, count))
}

/// Digits and a hyphen.
fn attachments(text: &str, limit: usize) -> Result<(usize, &str), Error> {
    let (digits, rest) = split_digits(text);
    let rest = rest.strip_prefix('-').ok_or(Error::ReadAttachments)?;
    let count: u64 = digits.parse().map_err(|_| Error::ReadAttachments)?;
    match usize::try_from(count) {
        Ok(taken) if taken <= limit => Ok((taken, rest)),
        _ => Err(Error::TakeAttachments { count, limit }),
    }
}

/// From a slash to a comma or the end. Some clients put a query behind the name, which says nothing here. Control characters are refused, because one of
/// them separates packets.
fn namespace(text: &str) -> Result<(Name, &str), Error> {
    if !text.starts_with('/') {
        return Ok((MAIN.into(), text));
    }
    let (name, rest) = text.split_once(',').unwrap_or((text, ""));
    let name = name.split_once('?').map_or(name, |(name, _)| name);
    if name.contains(char::is_control) {
        return Err(Error::ReadNamespace);
    }
    Ok((name.into(), rest))
}

fn id(text: &str) -> Result<(Option<u64>, &str), Error> {
    match split_digits(text) {
        ("", rest) => Ok((None, rest)),
        (digits, rest) => digits.parse().map(|id| (Some(id), rest)).map_err(|_| Error::ReadId),
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn optional_object(data: &str) -> Result<Option<Box<RawValue>>, Error> {
    if data.is_empty() {
        return Ok(None);
    }
    let value: Box<RawValue> = serde_json::from_str(data).map_err(Error::ReadData)?;
    if value.get().starts_with('{') { Ok(Some(value)) } else { Err(Error::ReadShape("an object")) }
}

fn list(data: &str) -> Result<Vec<Box<RawValue>>, Error> {
    if data.is_empty() {
        return Err(Error::ReadShape("a list"));
    }
    serde_json::from_str(data).map_err(Error::ReadData)
}

/// Checks that data is a list, without memory for its values.
fn unread_list(data: &str) -> Result<(), Error> {
    if data.is_empty() {
        return Err(Error::ReadShape("a list"));
    }
    serde_json::from_str::<Vec<IgnoredAny>>(data).map(drop).map_err(Error::ReadData)
}

fn event(namespace: Name, id: Option<u64>, data: &str) -> Result<Packet, Error> {
    const SHAPE: Error = Error::ReadShape("a list that begins with the event's name");
    let mut values = list(data)?.into_iter();
    let name = values.next().ok_or(SHAPE)?;
    let event: Box<str> = match name.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(name.get()).map_err(Error::ReadData)?,
        Some(b'-' | b'0'..=b'9') => name.get().into(),
        _ => return Err(SHAPE),
    };
    if RESERVED.contains(&&*event) {
        return Err(Error::TakeReserved(event));
    }
    Ok(Packet::Event { namespace, id, event, arguments: Arguments::from_parts(values.collect(), Vec::new()) })
}

/// An object with a message, or, as older servers say it, only the message.
fn connect_error(namespace: Name, data: &str) -> Result<Packet, Error> {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        message: String,
        #[serde(default)]
        data: Option<Box<RawValue>>,
    }
    if data.is_empty() {
        return Err(Error::ReadShape("an object or a text"));
    }
    let refusal = if data.starts_with('"') {
        Refusal { message: serde_json::from_str(data).map_err(Error::ReadData)?, data: None }
    } else if data.starts_with('{') {
        serde_json::from_str(data).map_err(Error::ReadData)?
    } else {
        return Err(Error::ReadShape("an object or a text"));
    };
    Ok(Packet::ConnectError { namespace, message: refusal.message, data: refusal.data })
}
