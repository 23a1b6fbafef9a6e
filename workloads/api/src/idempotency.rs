//! Requests that may be made again: the header `Idempotency-Key`.

use axum::http::{HeaderMap, HeaderName};
use realtime_access::Access;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{error::ApiError, store::Claim};

/// Of an answer that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const NAME: &str = "idempotency-key";
/// Characters of a key at most.
const LENGTH: usize = 255;

/// A key that a client chose for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The user whose key it is; empty where nobody is asked who he is.
    subject: String,
    text: String,
}

impl Key {
    /// Reads the header, if there is one. Where nobody is asked who he is, all share one set of keys: there it must be one that nobody else chooses.
    pub(crate) fn of(headers: &HeaderMap, access: &Access) -> Result<Option<Self>, ApiError> {
        let mut values = headers.get_all(NAME).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let refused = |reason| Err(ApiError::InvalidParameter { name: NAME, reason });
        if values.next().is_some() {
            return refused("must be given once");
        }
        let Some(text) = value.to_str().ok().filter(|text| is_key(text)) else {
            return refused("must have 1 to 255 characters of visible ASCII");
        };
        if access.user.is_none() && Uuid::try_parse(text).is_err() {
            return refused("must be a UUID, because without a token all clients share their keys");
        }
        let subject = access.user.as_deref().unwrap_or_default().to_owned();
        Ok(Some(Self { subject, text: text.to_owned() }))
    }

    /// Claims to be the first request with the key.
    pub(crate) fn claim(self, route: &'static str, body: &[u8], response: String) -> Claim {
        let body_hash = Sha256::digest(body).to_vec();
        Claim { subject: self.subject, route, key: self.text, body_hash, response }
    }
}

fn is_key(text: &str) -> bool {
    (1..=LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const UUID: &str = "0192d3a4-0000-7000-8000-000000000001";

    fn read(keys: &[&str], user: Option<&str>) -> Result<Option<Key>, String> {
        let header = |key: &&str| (HeaderName::from_static(NAME), HeaderValue::from_str(key).unwrap());
        let access = Access { user: user.map(Into::into), ..Access::anonymous() };
        Key::of(&HeaderMap::from_iter(keys.iter().map(header)), &access).map_err(|error| error.to_string())
    }

    fn claim(user: Option<&str>, body: &str) -> Claim {
        read(&[UUID], user).unwrap().unwrap().claim("/", body.as_bytes(), String::new())
    }

    #[test]
    fn a_key_is_a_word_of_the_user() {
        assert_eq!(read(&[], None), Ok(None));
        assert!(read(&["order-7/retry"], Some("7")).unwrap().is_some());
        for key in ["", "a b", "ä", &"x".repeat(256)] {
            assert!(read(&[key], Some("7")).unwrap_err().ends_with("1 to 255 characters of visible ASCII"), "{key}");
        }
        assert!(read(&["a", "a"], Some("7")).unwrap_err().ends_with("must be given once"));
    }

    #[test]
    fn without_a_user_a_key_is_a_uuid() {
        assert!(read(&[UUID], None).unwrap().is_some());
        assert!(read(&["order-7"], None).unwrap_err().contains("must be a UUID"));
    }

    #[test]
    fn keys_of_two_users_are_two_and_bodies_are_told_apart() {
        assert_ne!(claim(Some("7"), "a"), claim(Some("8"), "a"));
        assert_ne!(claim(None, "a"), claim(None, "b"));
        assert_eq!(claim(None, "a"), claim(None, "a"));
    }
}
