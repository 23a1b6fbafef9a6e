//! What the claims of a token permit.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use realtime_contract::channel::{Pattern, is_user};
use serde_json::{Map, Value};

use crate::{Access, Refusal, Scope};

/// Microseconds of a second.
const MICROSECONDS: f64 = 1e6;

/// What a token has to say to be taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// What `iss` has to be, if anything.
    pub(crate) issuer: Option<Box<str>>,
    /// What `aud` has to name one of, if anything.
    pub(crate) audience: Vec<Box<str>>,
    /// By which the issuer's clock may differ.
    pub(crate) leeway: SignedDuration,
}

impl Policy {
    /// What the claims permit now. The access ends when they are taken no longer: at `exp`, and the leeway later.
    pub(crate) fn access(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Access, Refusal> {
        let expires = time(claims, "exp")?.ok_or(Refusal::Claim("exp"))?;
        let expires = expires.saturating_add(self.leeway).map_err(|_| Refusal::Claim("exp"))?;
        if now >= expires {
            return Err(Refusal::Expired);
        }
        let begins = time(claims, "nbf")?;
        let latest = now.saturating_add(self.leeway).map_err(|_| Refusal::Claim("nbf"))?;
        if begins.is_some_and(|begins| begins > latest) {
            return Err(Refusal::Early);
        }
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        let user = claims.get("sub").and_then(Value::as_str).filter(|user| is_user(user));
        Ok(Access {
            user: Some(user.ok_or(Refusal::Claim("sub"))?.into()),
            subscribe: scope(claims, "channels")?,
            publish: scope(claims, "publish")?,
            expires: Some(expires),
        })
    }

    fn check_issuer(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        let is_ours = claims.get("iss").and_then(Value::as_str) == Some(issuer);
        if is_ours { Ok(()) } else { Err(Refusal::Issuer) }
    }

    /// One name or several (RFC 7519, section 4.1.3).
    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        if self.audience.is_empty() {
            return Ok(());
        }
        let is_ours = |name: &Value| name.as_str().is_some_and(|name| self.audience.iter().any(|own| **own == *name));
        let named = match claims.get("aud") {
            Some(Value::Array(names)) => names.iter().any(is_ours),
            Some(name) => is_ours(name),
            None => false,
        };
        if named { Ok(()) } else { Err(Refusal::Audience) }
    }
}

/// Seconds since 1970, whole or not (RFC 7519, section 2).
#[expect(clippy::cast_possible_truncation, reason = "a time out of range saturates, and is refused as none")]
fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().ok_or(Refusal::Claim(name))?;
    Timestamp::from_microsecond((seconds * MICROSECONDS) as i64).map(Some).map_err(|_| Refusal::Claim(name))
}

/// A list of patterns; absent for none.
fn scope(claims: &Map<String, Value>, name: &'static str) -> Result<Scope, Refusal> {
    let Some(value) = claims.get(name) else { return Ok(Scope::Patterns(BTreeSet::new())) };
    let patterns = value.as_array().ok_or(Refusal::Claim(name))?;
    let pattern = |value: &Value| value.as_str().and_then(|text| Pattern::new(text).ok());
    patterns.iter().map(pattern).collect::<Option<_>>().map(Scope::Patterns).ok_or(Refusal::Claim(name))
}
