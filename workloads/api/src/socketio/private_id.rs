//! The private id of a Socket.IO session, with which its client comes back: 16 random bytes and a signature, as base64url.
//!
//! The signature is the first 12 bytes of an HMAC-SHA256 with the stack's key. So an id that was made up asks nothing of Redis, and who can
//! read Redis finds no id there: a session is kept under the random part alone.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac, digest::Key};
use sha2::{Digest, Sha256};

const RANDOM_BYTES: usize = 16;
const SIGNATURE_BYTES: usize = 12;
/// Characters of the random part.
const NAME: usize = 22;
/// Keeps these signatures apart from others with the same key.
const PURPOSE: &[u8] = b"realtime socketio session\0";

/// A private id that was signed with the stack's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrivateId {
    text: Box<str>,
}

impl PrivateId {
    /// As the client knows it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What names the session where it is kept: the random part.
    pub(crate) fn name(&self) -> &str {
        &self.text[..NAME]
    }
}

/// Makes and checks private ids.
#[derive(Clone)]
pub(crate) struct Signer {
    signature: Hmac<Sha256>,
}

impl Signer {
    /// Signs with the key, a secret of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut block = Key::<Hmac<Sha256>>::default();
        for (to, from) in block.iter_mut().zip(Sha256::digest(key)) {
            *to = from;
        }
        Self { signature: Hmac::new(&block).chain_update(PURPOSE) }
    }

    /// A new one.
    pub(crate) fn make(&self) -> PrivateId {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).expect("the system gives random bytes");
        let mut text = BASE64_URL_SAFE_NO_PAD.encode(random);
        let signature = self.signature.clone().chain_update(random).finalize().into_bytes();
        BASE64_URL_SAFE_NO_PAD.encode_string(&signature[..SIGNATURE_BYTES], &mut text);
        PrivateId { text: text.into() }
    }

    /// What a client brings back, if it was made with this key.
    pub(crate) fn check(&self, text: &str) -> Option<PrivateId> {
        let (random, signature) = text.split_at_checked(NAME)?;
        let random = BASE64_URL_SAFE_NO_PAD.decode(random).ok()?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok().filter(|bytes| bytes.len() == SIGNATURE_BYTES)?;
        let verified = self.signature.clone().chain_update(random).verify_truncated_left(&signature);
        verified.is_ok().then(|| PrivateId { text: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_good_with_the_key_of_the_stack_and_with_no_other() {
        let signer = Signer::new(b"0123456789abcdef");
        let id = signer.make();
        assert_eq!(Signer::new(b"0123456789abcdef").check(id.as_str()), Some(id.clone()));
        assert_eq!(Signer::new(b"0123456789abcdeg").check(id.as_str()), None);
        assert_ne!(signer.make(), id);
    }

    #[test]
    fn an_id_that_was_changed_or_made_up_is_none() {
        let signer = Signer::new(b"0123456789abcdef");
        let id = signer.make();
        let text = id.as_str();
        let other = if text.starts_with('A') { "B" } else { "A" };
        let made_up = "A".repeat(text.len());
        for text in ["", "nonsense", &text[1..], &format!("{other}{}", &text[1..]), &format!("{text}A"), &made_up] {
            assert_eq!(signer.check(text), None, "{text}");
        }
    }

    #[test]
    fn a_session_is_named_by_less_than_its_id() {
        let signer = Signer::new(b"0123456789abcdef");
        let id = signer.make();
        assert_eq!((id.as_str().len(), id.name().len()), (38, 22));
        assert!(id.as_str().starts_with(id.name()));
        assert_ne!(id.name(), signer.make().name());
    }
}
