//! Tokens of our own, for people with a shell: whoever has the secret may make them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use realtime_contract::{channel::Pattern, environment};
use serde::Serialize;
use thiserror::Error;

use crate::{AccessConfig, config::Auth, token::LENGTH};

/// What a token shall say.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// The user, the claim `sub`.
    pub user: &'a str,
    /// Channels to hear and read.
    pub subscribe: BTreeSet<Pattern>,
    /// Channels to publish to.
    pub publish: BTreeSet<Pattern>,
    /// When it ends.
    pub expires: Timestamp,
}

/// No token can be made.
#[derive(Debug, Error)]
pub enum IssueError {
    /// A token for nobody.
    #[error(
        "failed to find who asks for tokens: {} is not jwt, so that everything is open without one",
        environment::AUTH
    )]
    FindAuth,
    /// Without the secret only the issuer can make tokens.
    #[error(
        "failed to find a secret: {} is not set; tokens that are checked with a set of keys come from its issuer",
        environment::JWT_SECRET
    )]
    FindSecret,
    /// The claims cannot be signed.
    #[error("failed to sign the token")]
    Sign(#[source] jsonwebtoken::errors::Error),
    /// A gate would not read it.
    #[error(
        "failed to make a token of {LENGTH} bytes at most: it would have {bytes}; name fewer channels, or patterns of them"
    )]
    Fit {
        /// How long it would be.
        bytes: usize,
    },
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    aud: &'a [String],
    channels: &'a BTreeSet<Pattern>,
    publish: &'a BTreeSet<Pattern>,
}

impl AccessConfig {
    /// A token that a gate of these settings takes, signed with their secret.
    ///
    /// # Errors
    /// [`IssueError`], also when nobody asks for tokens, or there is no secret.
    pub fn issue(&self, wish: &Wish<'_>) -> Result<String, IssueError> {
        if self.auth != Auth::Jwt {
            return Err(IssueError::FindAuth);
        }
        let secret = self.jwt_secret.as_ref().ok_or(IssueError::FindSecret)?;
        let claims = Claims {
            sub: wish.user,
            exp: wish.expires.as_second(),
            iss: self.jwt_issuer.as_deref(),
            aud: &self.jwt_audience,
            channels: &wish.subscribe,
            publish: &wish.publish,
        };
        let key = EncodingKey::from_secret(secret.expose().as_bytes());
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(IssueError::Sign)?;
        if token.len() > LENGTH { Err(IssueError::Fit { bytes: token.len() }) } else { Ok(token) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{Auth, Credential, Gate, forge::SECRET};

    fn wish() -> Wish<'static> {
        Wish {
            user: "me",
            subscribe: [Pattern::every()].into(),
            publish: [Pattern::new("orders").unwrap()].into(),
            expires: Timestamp::now() + SignedDuration::from_hours(1),
        }
    }

    #[test]
    fn a_gate_of_the_same_settings_takes_it() {
        let config = AccessConfig {
            auth: Auth::Jwt,
            jwt_secret: Some(SECRET.to_owned().into()),
            jwt_issuer: Some("issuer".to_owned()),
            jwt_audience: vec!["api".to_owned(), "stream".to_owned()],
            ..AccessConfig::default()
        };
        let token = config.issue(&wish()).unwrap();
        let access = Gate::start(&config, b"key", CancellationToken::new()).unwrap();
        let access = access.check_now(Credential::Token(&token)).unwrap();
        assert_eq!(access.user.as_deref(), Some("me"));
        assert!(access.may_subscribe("stock") && access.may_publish("orders") && !access.may_publish("stock"));
        let bare = AccessConfig { jwt_issuer: None, jwt_audience: Vec::new(), ..config };
        let gate = Gate::start(&bare, b"key", CancellationToken::new()).unwrap();
        assert!(gate.check_now(Credential::Token(&bare.issue(&wish()).unwrap())).is_ok());
    }

    #[test]
    fn without_a_secret_there_is_none() {
        let config = AccessConfig { auth: Auth::Jwt, ..AccessConfig::default() };
        let error = config.issue(&wish()).unwrap_err().to_string();
        assert!(error.contains("REALTIME_JWT_SECRET is not set"), "{error}");
    }

    #[test]
    fn none_is_made_that_nobody_would_take() {
        let config = AccessConfig { jwt_secret: Some(SECRET.to_owned().into()), ..AccessConfig::default() };
        let error = config.issue(&wish()).unwrap_err().to_string();
        assert!(error.contains("REALTIME_AUTH is not jwt"), "{error}");
        let config = AccessConfig { auth: Auth::Jwt, ..config };
        let subscribe = (0..1000).map(|number| Pattern::new(&format!("channel-{number}")).unwrap()).collect();
        let error = config.issue(&Wish { subscribe, ..wish() }).unwrap_err().to_string();
        assert!(error.contains("8192 bytes at most") && error.contains("fewer channels"), "{error}");
    }
}
