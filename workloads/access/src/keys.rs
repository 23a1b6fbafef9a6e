//! The keys that tokens are checked with. The key decides the algorithm, never the token alone.

mod fetch;
pub(crate) mod remote;
mod set;

use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey,
    crypto::verify,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use thiserror::Error;

pub(crate) use self::set::{Found, KeySet, ReadKeys};
use crate::config::SECRET_BYTES;

/// Bytes of the modulus of an RSA key at least (RFC 7518, section 3.3).
const MODULUS_BYTES: usize = 256;
/// Bytes of a coordinate on P-256, and of a public key on Ed25519.
const POINT_BYTES: usize = 32;

/// A key with the one algorithm that it is used with.
#[derive(Clone)]
pub(crate) struct Key {
    id: Option<Box<str>>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Why a key of a set is not used. Says nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unusable {
    #[error("it is no key as RFC 7517 has it")]
    Malformed,
    #[error("it is not for signatures")]
    Purpose,
    #[error("it is for an algorithm beside HS256, RS256, ES256 and EdDSA")]
    Algorithm,
    #[error("it is too short, or not of the length that its kind has")]
    Length,
    #[error("it is a secret, which must not stand at an address")]
    Secret,
}

impl Key {
    /// A secret for HS256.
    pub(crate) fn of_secret(secret: &[u8]) -> Self {
        Self { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }
    }

    /// Reads a key of a set.
    pub(crate) fn of_jwk(jwk: &Jwk) -> Result<Self, Unusable> {
        if !is_for_signatures(jwk) {
            return Err(Unusable::Purpose);
        }
        let (algorithm, name, parts) = of_kind(&jwk.algorithm)?;
        if jwk.common.key_algorithm.is_some_and(|stated| stated != name) {
            return Err(Unusable::Algorithm);
        }
        for (text, bytes) in parts {
            let length = decoded(text)?.len();
            let fits =
                if bytes == POINT_BYTES && algorithm != Algorithm::HS256 { length == bytes } else { length >= bytes };
            if !fits {
                return Err(Unusable::Length);
            }
        }
        let key = DecodingKey::from_jwk(jwk).map_err(|_| Unusable::Malformed)?;
        Ok(Self { id: jwk.common.key_id.as_deref().map(Box::from), algorithm, key })
    }

    /// Whether its holder could make tokens.
    pub(crate) fn is_secret(&self) -> bool {
        self.algorithm == Algorithm::HS256
    }

    /// Whether the signature, in base64, is that of the message.
    pub(crate) fn signed(&self, message: &str, signature: &str) -> bool {
        verify(signature, message.as_bytes(), &self.key, self.algorithm).unwrap_or(false)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The algorithm of a name as tokens have it, of those that are taken.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    let taken = [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    name.parse().ok().filter(|algorithm| taken.contains(algorithm))
}

/// RFC 7517, sections 4.2 and 4.3.
fn is_for_signatures(jwk: &Jwk) -> bool {
    let usage = jwk.common.public_key_use.as_ref();
    let operations = jwk.common.key_operations.as_ref();
    usage.is_none_or(|usage| *usage == PublicKeyUse::Signature)
        && operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}

/// The algorithm of a kind of key, and how many bytes its parts have.
type Kind<'a> = (Algorithm, KeyAlgorithm, Vec<(&'a str, usize)>);

fn of_kind(parameters: &AlgorithmParameters) -> Result<Kind<'_>, Unusable> {
    match parameters {
        AlgorithmParameters::RSA(key) => {
            Ok((Algorithm::RS256, KeyAlgorithm::RS256, vec![(&key.n, MODULUS_BYTES), (&key.e, 1)]))
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Ok((Algorithm::ES256, KeyAlgorithm::ES256, vec![(&key.x, POINT_BYTES), (&key.y, POINT_BYTES)]))
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Ok((Algorithm::EdDSA, KeyAlgorithm::EdDSA, vec![(&key.x, POINT_BYTES)]))
        }
        AlgorithmParameters::OctetKey(key) => {
            Ok((Algorithm::HS256, KeyAlgorithm::HS256, vec![(&key.value, SECRET_BYTES)]))
        }
        AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::OctetKeyPair(_) => Err(Unusable::Algorithm),
        _ => Err(Unusable::Malformed),
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, Unusable> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Unusable::Malformed)
}

#[cfg(test)]
mod tests;
