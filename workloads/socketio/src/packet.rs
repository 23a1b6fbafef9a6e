//! Packets of the Socket.IO protocol, revision 5: <https://github.com/socketio/socket.io-protocol>.
//!
//! ```text
//! <type>[<attachments>-][<namespace>,][<acknowledgement id>][<JSON>]
//! 2["hello",1]     51-/admin,12["file",{"_placeholder":true,"num":0}] and one binary message
//! ```

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::Arguments;

mod decoder;
mod placeholders;
mod reading;

pub use decoder::Decoder;

/// Name of a namespace; it begins with a slash.
pub type Name = Box<str>;

/// The namespace that has no name in packets.
pub const MAIN: &str = "/";

/// One packet.
#[derive(Clone, Debug)]
pub enum Packet {
    /// The client wants into a namespace, or the server let it in.
    Connect {
        /// Into which.
        namespace: Name,
        /// An object: what the client says of itself, or the socket's id.
        data: Option<Box<RawValue>>,
    },
    /// The sender leaves a namespace.
    Disconnect {
        /// Which.
        namespace: Name,
    },
    /// Something happened.
    Event {
        /// Where.
        namespace: Name,
        /// Where there is one, the sender wants an acknowledgement.
        id: Option<u64>,
        /// What. A number is taken as its text.
        event: Box<str>,
        /// All that stands behind the name.
        arguments: Arguments,
    },
    /// The answer to an event.
    Acknowledgement {
        /// Where.
        namespace: Name,
        /// The id that came with the event.
        id: u64,
        /// The answer. Of a client's packet its attachments only: [`Decoder`].
        arguments: Arguments,
    },
    /// The server does not let the client in.
    ConnectError {
        /// Where.
        namespace: Name,
        /// Why, for people.
        message: String,
        /// Why, for programs.
        data: Option<Box<RawValue>>,
    },
}

/// A packet as it is sent: a text message, then so many binary ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The packet's text.
    pub text: String,
    /// Its attachments.
    pub attachments: Vec<Bytes>,
}

/// Why a client's message is no packet.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no text, or no packet has this type.
    #[error("failed to read a packet's type")]
    ReadType,
    /// A binary packet does not say how many attachments follow.
    #[error("failed to read a packet's number of attachments")]
    ReadAttachments,
    /// More attachments are said to follow than are taken.
    #[error("failed to take {count} attachments: at most {limit} are taken")]
    TakeAttachments {
        /// How many there are.
        count: u64,
        /// How many may be.
        limit: usize,
    },
    /// A namespace's name has control characters.
    #[error("failed to read a packet's namespace")]
    ReadNamespace,
    /// An id is needed and missing, or it is too large.
    #[error("failed to read a packet's acknowledgement id")]
    ReadId,
    /// What stands at the end is not the JSON that belongs to the type.
    #[error("failed to read a packet's data")]
    ReadData(#[source] serde_json::Error),
    /// Data is missing that belongs to the type, or is of another kind, or is there and does not belong.
    #[error("failed to read a packet's data: it has to be {0}")]
    ReadShape(&'static str),
    /// The name belongs to what libraries tell by themselves.
    #[error("failed to take an event with the reserved name {0:?}")]
    TakeReserved(Box<str>),
    /// A placeholder stands for no attachment.
    #[error("failed to read a packet's placeholders")]
    ReadPlaceholders(#[source] serde_json::Error),
    /// A text came where an attachment had to come.
    #[error("failed to take a text while attachments are missing")]
    TakeText,
    /// An attachment came that belongs to nothing.
    #[error("failed to take an attachment of no packet")]
    TakeBinary,
    /// Attachments of one packet are too long.
    #[error("failed to take attachments of more than {limit} bytes")]
    TakeBytes {
        /// How long they may be together.
        limit: usize,
    },
}

impl Packet {
    /// As it is sent. An event or acknowledgement with attachments becomes the binary form of it.
    pub fn encode(&self) -> Encoded {
        match self {
            Self::Connect { namespace, data } => plain(head('0', namespace), data.as_deref().map(RawValue::get)),
            Self::Disconnect { namespace } => plain(head('1', namespace), None),
            Self::Event { namespace, id, event, arguments } => {
                encode_list(['2', '5'], namespace, *id, Some(event), arguments)
            }
            Self::Acknowledgement { namespace, id, arguments } => {
                encode_list(['3', '6'], namespace, Some(*id), None, arguments)
            }
            Self::ConnectError { namespace, message, data } => {
                let mut text = head('4', namespace);
                text.push_str(r#"{"message":"#);
                put_string(message, &mut text);
                if let Some(data) = data {
                    text.push_str(r#","data":"#);
                    text.push_str(data.get());
                }
                text.push('}');
                plain(text, None)
            }
        }
    }
}

fn plain(mut text: String, data: Option<&str>) -> Encoded {
    text.push_str(data.unwrap_or_default());
    Encoded { text, attachments: Vec::new() }
}

fn head(kind: char, namespace: &str) -> String {
    let mut text = String::from(kind);
    put_namespace(namespace, &mut text);
    text
}

fn put_namespace(namespace: &str, text: &mut String) {
    if namespace != MAIN {
        text.push_str(namespace);
        text.push(',');
    }
}

fn encode_list(
    [kind, binary_kind]: [char; 2],
    namespace: &str,
    id: Option<u64>,
    event: Option<&str>,
    arguments: &Arguments,
) -> Encoded {
    let length: usize = arguments.values().iter().map(|value| value.get().len() + 1).sum();
    let mut text = String::with_capacity(length + event.map_or(0, str::len) + namespace.len() + 32);
    let attachments = arguments.attachments();
    if attachments.is_empty() {
        text.push(kind);
    } else {
        text.push(binary_kind);
        text.push_str(&attachments.len().to_string());
        text.push('-');
    }
    put_namespace(namespace, &mut text);
    if let Some(id) = id {
        text.push_str(&id.to_string());
    }
    put_list(event, arguments.values(), &mut text);
    Encoded { text, attachments: attachments.to_vec() }
}

fn put_list(event: Option<&str>, values: &[Box<RawValue>], text: &mut String) {
    text.push('[');
    if let Some(event) = event {
        put_string(event, text);
    }
    for (index, value) in values.iter().enumerate() {
        if index > 0 || event.is_some() {
            text.push(',');
        }
        text.push_str(value.get());
    }
    text.push(']');
}

/// A text as JSON.
pub(crate) fn put_string(value: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(value).to_string());
}

#[cfg(test)]
mod tests;
