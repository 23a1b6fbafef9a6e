//! Tokens for tests, good ones and forged ones, made without the library that checks them.

use std::sync::LazyLock;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// A secret for HS256.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// What every time of these tests is relative to, in seconds since 1970.
pub const NOW: i64 = 1_800_000_000;

const MADE: &str = "a key can be made";
const SIGNED: &str = "a key signs";

static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).expect(MADE));
static EC: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect(MADE));
static ED: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().expect(MADE));

/// Who signs.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// By HS256.
    Secret(&'a [u8]),
    /// By RS256, with a key of this process.
    Rsa,
    /// By ES256, likewise.
    Ec,
    /// By EdDSA, likewise.
    Ed,
    /// With nothing.
    Nobody,
}

impl Signer<'_> {
    fn sign(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Secret(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec(),
            Self::Rsa => {
                let mut signature = vec![0; RSA.public_modulus_len()];
                RSA.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect(SIGNED);
                signature
            }
            Self::Ec => EC.sign(&SystemRandom::new(), message).expect(SIGNED).as_ref().to_vec(),
            Self::Ed => ED.sign(message).as_ref().to_vec(),
            Self::Nobody => Vec::new(),
        }
    }
}

/// A token of that header and those claims.
pub fn token(header: &Value, claims: &Value, signer: Signer<'_>) -> String {
    let message = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
    let signature = part(signer.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// A good token of that algorithm, by that signer.
pub fn signed(algorithm: &str, signer: Signer<'_>) -> String {
    token(&json!({ "alg": algorithm, "typ": "JWT" }), &claims(), signer)
}

/// A token with those claims, by the secret.
pub fn with(claims: &Value) -> String {
    token(&json!({ "alg": "HS256", "typ": "JWT" }), claims, Signer::Secret(SECRET.as_bytes()))
}

/// The claims of user 7, for an hour.
pub fn claims() -> Value {
    json!({ "sub": "7", "exp": NOW + 3600, "iss": "issuer", "aud": "api", "channels": ["orders.*"], "publish": ["orders.eu"] })
}

/// The public key of that signer, with a kid.
pub fn jwk(signer: Signer<'_>, id: Option<&str>) -> Value {
    let mut jwk = match signer {
        Signer::Rsa => {
            let public = RSA.public_key();
            let (modulus, exponent) = (public.modulus(), public.exponent());
            json!({ "kty": "RSA", "n": part(modulus.big_endian_without_leading_zero()), "e": part(exponent.big_endian_without_leading_zero()) })
        }
        Signer::Ec => {
            let (x, y) = EC.public_key().as_ref()[1..].split_at(32);
            json!({ "kty": "EC", "crv": "P-256", "x": part(x), "y": part(y) })
        }
        Signer::Ed => json!({ "kty": "OKP", "crv": "Ed25519", "x": part(ED.public_key()) }),
        Signer::Secret(secret) => json!({ "kty": "oct", "k": part(secret) }),
        Signer::Nobody => json!({ "kty": "none" }),
    };
    if let Some(id) = id {
        jwk["kid"] = id.into();
    }
    jwk
}

/// The public RSA key as it is written down: what forgers take for a secret.
pub fn rsa_texts() -> [Vec<u8>; 3] {
    let der = RSA.public_key().as_ref().to_vec();
    let lines: Vec<String> =
        STANDARD.encode(&der).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let pem = format!("-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n", lines.join("\n"));
    let modulus = RSA.public_key().modulus().big_endian_without_leading_zero().to_vec();
    [pem.into_bytes(), der, modulus]
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
