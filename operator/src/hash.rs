//! Hashes that tell whether some content has changed.

use sha2::{Digest, Sha256};

/// The first 64 bits of the SHA-256 of some content, in hexadecimal digits.
pub fn short_hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
