//! Ids that nobody can guess.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use realtime_fanout::session::Address;
use tracing::error;

/// Random bytes of a session's id.
const SECRET: usize = 12;
/// Random bytes of a socket's id: 20 characters.
const SOCKET: usize = 15;

/// What a session's id has beside its address: who knows it speaks for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Secret([u8; SECRET]);

/// The id of an Engine.IO session, as a client brings it: where the session is, and that it is the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionId {
    pub(crate) address: Address,
    pub(crate) secret: Secret,
}

impl Secret {
    /// A new one; `None` when the system gives no random numbers.
    pub(crate) fn new() -> Option<Self> {
        random().map(Self)
    }
}

impl SessionId {
    /// Reads what a client brought: some address, at which perhaps nobody is.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (address, secret) = bytes.split_first_chunk::<{ Address::LENGTH }>()?;
        Some(Self { address: Address::from_bytes(*address), secret: Secret(secret.try_into().ok()?) })
    }

    /// Its text: 30 characters of base64url.
    pub(crate) fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode([&self.address.to_bytes()[..], &self.secret.0].concat())
    }
}

/// A new id of a socket; `None` when the system gives no random numbers.
pub(crate) fn socket() -> Option<String> {
    random::<SOCKET>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

fn random<const LENGTH: usize>() -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Some(bytes),
        Err(error) => {
            error!(error = %error, "the system gives no random numbers");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_id() {
        let id = SessionId {
            address: Address::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 255]),
            secret: Secret::new().unwrap(),
        };
        let text = id.encode();
        assert_eq!(text.len(), 30);
        assert_eq!(SessionId::parse(&text), Some(id));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "a", "!!!!", "AAAA", &"A".repeat(29), &"A".repeat(31), &"A".repeat(400), "ä"] {
            assert_eq!(SessionId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_of_sockets_have_20_characters_and_differ() {
        let (one, other) = (socket().unwrap(), socket().unwrap());
        assert_eq!((one.len(), other.len()), (20, 20));
        assert_ne!(one, other);
    }
}
