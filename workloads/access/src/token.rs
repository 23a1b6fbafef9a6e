//! What a token says, once its signature is that of one of our keys.

mod claims;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use self::claims::Policy;
use crate::{
    Access, Refusal,
    keys::{Found, KeySet, algorithm},
};

/// Bytes of a token at most.
pub(crate) const LENGTH: usize = 8 * 1024;

/// A token in its parts, of which nothing is proved yet.
pub(crate) struct Token<'a> {
    /// Header and payload, which the signature is of.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
    header: Header,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// For good.
    Refused(Refusal),
    /// By the keys that are at hand; others might.
    Keys(Refusal),
}

impl Doubt {
    pub(crate) const fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) | Self::Keys(refusal) => refusal,
        }
    }
}

impl<'a> Token<'a> {
    /// Reads the parts (RFC 7515, section 7.1) of a text of `longest` bytes at most.
    pub(crate) fn read(text: &'a str, longest: usize) -> Result<Self, Refusal> {
        if text.len() > longest {
            return Err(Refusal::Malformed);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
        let header: Header = json(header)?;
        // What must be understood is not understood here (RFC 7515, section 4.1.11).
        if payload.contains('.') || header.crit.is_some() {
            return Err(Refusal::Malformed);
        }
        Ok(Self { message, payload, signature, header })
    }

    /// What the token is, if it says so.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// The claims, when one of the keys signed them.
    pub(crate) fn claims(&self, keys: &KeySet) -> Result<Map<String, Value>, Doubt> {
        let algorithm = algorithm(&self.header.alg).ok_or(Doubt::Refused(Refusal::Algorithm))?;
        // No secret stands at an address: others would not help.
        let doubt = if algorithm == Algorithm::HS256 { Doubt::Refused } else { Doubt::Keys };
        let (keys, named) = match keys.find(algorithm, self.header.kid.as_deref()) {
            Found::Keys { keys, named } => (keys, named),
            Found::UnknownId => return Err(doubt(Refusal::UnknownKey)),
            Found::OtherAlgorithm => return Err(doubt(Refusal::Algorithm)),
        };
        if !keys.iter().any(|key| key.signed(self.message, self.signature)) {
            let doubt = if named { Doubt::Refused } else { doubt };
            return Err(doubt(Refusal::Signature));
        }
        json(self.payload).map_err(Doubt::Refused)
    }
}

/// What a token permits now.
pub(crate) fn access(token: &Token<'_>, keys: &KeySet, policy: &Policy, now: Timestamp) -> Result<Access, Doubt> {
    let claims = token.claims(keys)?;
    policy.access(&claims, now).map_err(Doubt::Refused)
}

fn json<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Malformed)
}

#[cfg(test)]
mod tests;
