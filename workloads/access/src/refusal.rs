//! Why a client may not.

use axum::http::StatusCode;
use thiserror::Error;

/// Why a client may not. The sentence goes to the client, and holds nothing of what it showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It showed nothing.
    #[error("a token is needed: send it as Authorization: Bearer, or as auth.token of Socket.IO")]
    Missing,
    /// What it showed is no token, or no ticket.
    #[error("the token cannot be read")]
    Malformed,
    /// The token is signed in a way that is not taken, or not with that key.
    #[error("the token is signed by an algorithm that is not taken here")]
    Algorithm,
    /// No key of ours has that id.
    #[error("the token is signed by a key that is not known here")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("the token's signature is not valid")]
    Signature,
    /// It has ended.
    #[error("the token has expired")]
    Expired,
    /// It begins later.
    #[error("the token is not valid yet")]
    Early,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Somebody else made it.
    #[error("the token is from another issuer")]
    Issuer,
    /// A claim is missing, or is not what it has to be.
    #[error("the token's claim {0} is missing or is not what it has to be")]
    Claim(&'static str),
    /// None of the keys that are known here could check it, and the address of keys did not answer since it came.
    #[error("the token's key is not known yet, and the keys cannot be read now: come again")]
    KeysAway,
    /// The client is known, and may not do that with the channel.
    #[error("the token does not permit this channel")]
    Channel,
    /// The client is known, and is not that user.
    #[error("the token does not permit this user")]
    User,
    /// The client is known, and may not ask for what concerns the whole service; the claim that would have to have `*`.
    #[error("the token does not permit requests about the whole service: its claim {0} lacks \"*\"")]
    Service(&'static str),
}

impl Refusal {
    /// Every refusal that has a code of its own.
    pub const ALL: [Self; 14] = [
        Self::Missing,
        Self::Malformed,
        Self::Algorithm,
        Self::UnknownKey,
        Self::Signature,
        Self::Expired,
        Self::Early,
        Self::Audience,
        Self::Issuer,
        Self::Claim("sub"),
        Self::KeysAway,
        Self::Channel,
        Self::User,
        Self::Service("channels"),
    ];

    /// For programs: in problems, `CONNECT_ERROR`s and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "TOKEN_MISSING",
            Self::Malformed => "TOKEN_MALFORMED",
            Self::Algorithm => "TOKEN_ALGORITHM",
            Self::UnknownKey => "TOKEN_KEY",
            Self::Signature => "TOKEN_SIGNATURE",
            Self::Expired => "TOKEN_EXPIRED",
            Self::Early => "TOKEN_EARLY",
            Self::Audience => "TOKEN_AUDIENCE",
            Self::Issuer => "TOKEN_ISSUER",
            Self::Claim(_) => "TOKEN_CLAIM",
            Self::KeysAway => "KEYS_AWAY",
            Self::Channel => "CHANNEL_FORBIDDEN",
            Self::User => "USER_FORBIDDEN",
            Self::Service(_) => "SERVICE_FORBIDDEN",
        }
    }

    /// What the header field `WWW-Authenticate` says to who is not known; who showed nothing is told no error (RFC 6750, section 3).
    pub fn challenge(self) -> Option<&'static str> {
        let challenge = if self == Self::Missing { "Bearer" } else { r#"Bearer error="invalid_token""# };
        (self.status() == StatusCode::UNAUTHORIZED).then_some(challenge)
    }

    /// The status of an answer to a request: 401 for who is not known, 403 for who may not, 503 when that cannot be told.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::KeysAway => StatusCode::SERVICE_UNAVAILABLE,
            Self::Channel | Self::User | Self::Service(_) => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_its_code() {
        let codes: BTreeSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
        assert_eq!(codes.len(), Refusal::ALL.len());
    }
}
