//! Several keys, and which of them may have signed a token.

use jsonwebtoken::{Algorithm, jwk::Jwk};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tracing::debug;

use super::{Key, Unusable};

/// Keys of a set at most: a token that names none is tried with each.
const KEYS: usize = 64;

/// Several keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySet(Vec<Key>);

/// A text is no set of keys that can be used.
#[derive(Debug, Error)]
pub(crate) enum ReadKeys {
    #[error("failed to read a set of keys: it looks like {{\"keys\":[{{\"kty\":\"RSA\",...}}]}}")]
    Malformed,
    #[error("failed to read a set of keys: it has more than {KEYS}")]
    TooMany,
    #[error("failed to find a usable key in a set of {count}; the last one: {reason}")]
    NoneUsable { count: usize, reason: Unusable },
    #[error("failed to find a key in a set of keys: it is empty")]
    Empty,
}

/// Keys that may have signed a token.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// These; `named` when they are meant by the id that the token names.
    Keys { keys: Vec<&'a Key>, named: bool },
    /// There are keys for the algorithm, and none of that id.
    UnknownId,
    /// No key is for the algorithm, or the key of that id is for another one.
    OtherAlgorithm,
}

#[derive(Deserialize)]
struct Document {
    /// Each is read for itself: what is not understood is left out (RFC 7517, section 5).
    keys: Vec<Value>,
}

impl KeySet {
    /// A set with that secret alone.
    pub(crate) fn of_secret(secret: &[u8]) -> Self {
        Self(vec![Key::of_secret(secret)])
    }

    /// Reads a set of keys; `public` when it comes from a place that others can read, too.
    pub(crate) fn of_document(text: &[u8], public: bool) -> Result<Self, ReadKeys> {
        let document: Document = serde_json::from_slice(text).map_err(|_| ReadKeys::Malformed)?;
        let count = document.keys.len();
        if count > KEYS {
            return Err(ReadKeys::TooMany);
        }
        let (mut keys, mut last) = (Vec::new(), None);
        for value in document.keys {
            match usable(value, public) {
                Ok(key) => keys.push(key),
                Err(reason) => {
                    debug!(%reason, "a key of a set is left out");
                    last = Some(reason);
                }
            }
        }
        match last {
            _ if !keys.is_empty() => Ok(Self(keys)),
            Some(reason) => Err(ReadKeys::NoneUsable { count, reason }),
            None => Err(ReadKeys::Empty),
        }
    }

    /// These keys and those.
    pub(crate) fn with(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The keys that may have signed a token which names that algorithm and, perhaps, that id. Keys without an id are tried when none has it.
    pub(crate) fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Found<'_> {
        let of_id = |key: &&Key| id.is_some() && key.id.as_deref() == id;
        let named = self.0.iter().any(|key| of_id(&key));
        let of_algorithm: Vec<&Key> = self.0.iter().filter(|key| key.algorithm == algorithm).collect();
        let is_known = !of_algorithm.is_empty();
        let is_meant = |key: &&Key| if named { of_id(key) } else { id.is_none() || key.id.is_none() };
        let keys: Vec<&Key> = of_algorithm.into_iter().filter(is_meant).collect();
        match keys.is_empty() {
            false => Found::Keys { keys, named },
            true if is_known && !named => Found::UnknownId,
            true => Found::OtherAlgorithm,
        }
    }
}

fn usable(value: Value, public: bool) -> Result<Key, Unusable> {
    let jwk: Jwk = serde_json::from_value(value).map_err(|_| Unusable::Malformed)?;
    let key = Key::of_jwk(&jwk)?;
    if public && key.is_secret() { Err(Unusable::Secret) } else { Ok(key) }
}
