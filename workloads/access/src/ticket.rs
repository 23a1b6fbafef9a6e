//! Tickets: what a client that cannot send headers shows instead of its token.
//!
//! A ticket is a token of our own, signed with a key that nothing else is signed with, so that neither passes as the other.

use std::{collections::BTreeSet, fmt};

use hmac::{Hmac, KeyInit, Mac, digest::Key};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use realtime_contract::channel::Pattern;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    Access, Refusal, Scope,
    keys::KeySet,
    token::{self, Policy, Token},
};

/// How long a ticket is good at most.
const LIFE: SignedDuration = SignedDuration::from_hours(1);
/// Bytes of a ticket at most: it holds the channels of a token, and what it says beside them may be longer.
const LENGTH: usize = token::LENGTH + 512;
/// What a ticket says of itself, as tokens say `JWT`.
const KIND: &str = "realtime-ticket";
/// Tells the key of tickets from others that come of the same one.
const LABEL: &[u8] = b"realtime ticket 1";

/// A ticket. Debug does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// For the query or the cookie of a stream.
    pub text: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// Gives tickets and reads them.
#[derive(Clone)]
pub(crate) struct Tickets {
    sign: EncodingKey,
    check: KeySet,
}

/// What a ticket says.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'static str,
    sub: &'a str,
    exp: i64,
    channels: &'a BTreeSet<Pattern>,
}

impl Tickets {
    /// `key` is the stack's, from which one for tickets alone is derived.
    pub(crate) fn new(key: &[u8]) -> Self {
        let derived = derived(key);
        Self { sign: EncodingKey::from_secret(&derived), check: KeySet::of_secret(&derived) }
    }

    /// A ticket for what the access may hear, until it ends, or `None` for who did not say who he is.
    pub(crate) fn give(&self, access: &Access, now: Timestamp) -> Option<Ticket> {
        let (Some(user), Scope::Patterns(channels)) = (&access.user, &access.subscribe) else { return None };
        let latest = now.saturating_add(LIFE).ok()?;
        let end = access.expires.map_or(latest, |expires| expires.min(latest));
        // Whole seconds, rounded down: it does not outlive the token.
        let end = Timestamp::from_second(end.as_second()).ok()?;
        let claims = Claims { aud: KIND, sub: user, exp: end.as_second(), channels };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(KIND.to_owned());
        let text = jsonwebtoken::encode(&header, &claims, &self.sign).ok()?;
        Some(Ticket { text, expires: end })
    }

    /// What a ticket permits now.
    pub(crate) fn read(&self, text: &str, now: Timestamp) -> Result<Access, Refusal> {
        let ticket = Token::read(text, LENGTH)?;
        if !is_ticket(&ticket) {
            return Err(Refusal::Malformed);
        }
        let policy = Policy { audience: vec![KIND.into()], ..Policy::default() };
        token::access(&ticket, &self.check, &policy, now).map_err(token::Doubt::refusal)
    }
}

/// Whether what was shown says that it is a ticket.
pub(crate) fn is_ticket(token: &Token<'_>) -> bool {
    token.kind() == Some(KIND)
}

fn derived(key: &[u8]) -> [u8; 32] {
    let mut block = Key::<Hmac<Sha256>>::default();
    for (to, from) in block.iter_mut().zip(Sha256::digest(key)) {
        *to = from;
    }
    Hmac::<Sha256>::new(&block).chain_update(LABEL).finalize().into_bytes().into()
}

impl fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Ticket(***, until {})", self.expires)
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tickets")
    }
}

#[cfg(test)]
mod tests;
