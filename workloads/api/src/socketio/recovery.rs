//! What becomes of a client that comes back to the namespace `/`: pure decisions.
//!
//! | its `pid` | its session | its `offset` | what becomes of it |
//! |---|---|---|---|
//! | good | kept | there | the same session goes on behind the offset; with a gap, a new one with the same channels |
//! | good | kept, of another user | any | as if there were no session |
//! | good | kept, with a channel that the client may not hear now | any | as if there were no session |
//! | good | kept | missing | as if there were no session |
//! | good | not kept, or Redis is away | any | a new session |
//! | none, or not ours | | any | a new session |
//!
//! A new session goes on behind `resume` if the client gives it, else it begins with what comes.

use std::fmt;

use realtime_access::{Access, Credential};
use serde_json::{Value, value::RawValue};

use super::{
    channels::{Channels, Refused},
    private_id::PrivateId,
    sessions::{Found, Record},
};

/// Bytes of a token at most; a longer one is refused without being kept.
const TOKEN_LENGTH: usize = 8 * 1024;

/// What a client shows of itself. Debug shows none of it.
#[derive(Default, PartialEq, Eq)]
pub(crate) enum Shown {
    #[default]
    Nothing,
    Token(Box<str>),
    /// Something that cannot be a token.
    Unreadable,
}

/// What a client says when it connects, in what the client library calls `auth`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Its token.
    pub(crate) token: Shown,
    /// The private id that it was given before.
    pub(crate) pid: Option<String>,
    /// The cursor behind which it wants to go on with that session.
    offset: Option<String>,
    /// The cursor behind which it wants to go on in any case.
    resume: Option<String>,
    /// What it wants to hear, unless its session is found.
    pub(crate) channels: Channels,
}

impl Shown {
    /// An empty text is none.
    pub(crate) fn new(token: &Value) -> Self {
        match token {
            Value::Null => Self::Nothing,
            Value::String(token) if token.is_empty() => Self::Nothing,
            Value::String(token) if token.len() <= TOKEN_LENGTH => Self::Token(token.as_str().into()),
            _ => Self::Unreadable,
        }
    }

    pub(crate) fn credential(&self) -> Credential<'_> {
        match self {
            Self::Nothing => Credential::Nothing,
            Self::Token(token) => Credential::Token(token),
            Self::Unreadable => Credential::Unreadable,
        }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.credential().fmt(formatter)
    }
}

impl Claim {
    /// Reads the data of a CONNECT packet. Fields that are not known belong to others.
    ///
    /// # Errors
    /// When its channels are none; the sentence is for the client.
    pub(crate) fn read(auth: Option<&RawValue>) -> Result<Self, Refused> {
        let fields: Value = auth.and_then(|auth| serde_json::from_str(auth.get()).ok()).unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        // Empty counts as absent: that is what a client sends that has seen none.
        let cursor = |name: &str| text(name).filter(|cursor| !cursor.is_empty());
        let channels = fields.get("channels").filter(|channels| !channels.is_null());
        Ok(Self {
            token: fields.get("token").map(Shown::new).unwrap_or_default(),
            pid: text("pid"),
            offset: cursor("offset"),
            resume: cursor("resume"),
            channels: channels.map(Channels::read).transpose()?.unwrap_or_default(),
        })
    }
}

/// What is known of the session that a client claims.
#[derive(Debug)]
pub(crate) enum Known {
    /// It claims none.
    Unclaimed,
    /// Its private id was not made with this stack's key.
    Invalid,
    /// Its private id is good, and that is what Redis says.
    Asked(PrivateId, Found),
}

/// What is to be done for a client, as far as that is known before its history is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The session that goes on.
    pub(crate) session: Option<(PrivateId, Box<str>)>,
    /// What it hears.
    pub(crate) channels: Channels,
    /// The cursor behind which it goes on.
    pub(crate) cursor: Option<String>,
    /// What came of it if nothing is missing; `None` for a client that is new.
    pub(crate) outcome: Option<Outcome>,
}

/// What came of the wish to go on: a closed set, the label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The same session, and all that it missed.
    Recovered,
    /// A new session, and all that the client missed.
    Resumed,
    /// The session is kept no longer.
    Expired,
    /// The private id is not ours, or came without an offset.
    Invalid,
    /// The session is of another user.
    Foreign,
    /// The session has a channel that the client may not hear now.
    Forbidden,
    /// Some of what was missed cannot be given, and the client was told.
    Gap,
    /// Redis does not answer, or what was missed cannot be read now.
    Unavailable,
}

impl Outcome {
    pub(crate) const ALL: [Self; 8] = [
        Self::Recovered,
        Self::Resumed,
        Self::Expired,
        Self::Invalid,
        Self::Foreign,
        Self::Forbidden,
        Self::Gap,
        Self::Unavailable,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Resumed => "resumed",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
            Self::Foreign => "foreign",
            Self::Forbidden => "forbidden",
            Self::Gap => "gap",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Plan {
    /// Decides by the table above, for a client that may do that.
    pub(crate) fn new(claim: Claim, known: Known, access: &Access) -> Self {
        let reason = match known {
            Known::Asked(_, Found::Record(Record { user, .. })) if user != access.user => Some(Outcome::Foreign),
            Known::Asked(_, Found::Record(Record { channels, .. })) if !channels.are_permitted(access) => {
                Some(Outcome::Forbidden)
            }
            Known::Asked(id, Found::Record(Record { id: socket, channels, .. })) => match claim.offset {
                Some(offset) => {
                    let (session, outcome) = (Some((id, socket)), Some(Outcome::Recovered));
                    return Self { session, channels, cursor: Some(offset), outcome };
                }
                None => Some(Outcome::Invalid),
            },
            Known::Asked(_, Found::Nothing) => Some(Outcome::Expired),
            Known::Asked(_, Found::Away) => Some(Outcome::Unavailable),
            Known::Invalid => Some(Outcome::Invalid),
            Known::Unclaimed => None,
        };
        let outcome = if claim.resume.is_some() { Some(Outcome::Resumed) } else { reason };
        Self { session: None, channels: claim.channels, cursor: claim.resume, outcome }
    }

    /// The same when something of what was missed cannot be given: the client must not take itself for recovered.
    pub(crate) fn with_gap(self) -> Self {
        Self { session: None, outcome: Some(Outcome::Gap), ..self }
    }
}

#[cfg(test)]
mod tests;
