//! Who looks at credentials.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use prometheus::Registry;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    Access, Credential, Refusal, Ticket,
    config::{AccessConfig, Auth, JWKS_SECONDS, LEEWAY_SECONDS},
    keys::{KeySet, remote::Remote},
    measures::Measures,
    ticket::{Tickets, is_ticket},
    token::{self, Doubt, Policy, Token},
};
use realtime_contract::environment;

/// Who looks at credentials. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Gate(Option<Arc<Door>>);

/// Looks at tokens and tickets.
#[derive(Debug)]
struct Door {
    keys: Keys,
    policy: Policy,
    tickets: Tickets,
    measures: Measures,
}

/// Where the keys come from.
#[derive(Debug)]
enum Keys {
    Given(Arc<KeySet>),
    /// With those that were given.
    Remote(Remote),
}

/// Access control cannot be set up as asked for.
#[derive(Debug, Error)]
pub enum Error {
    /// Tokens are asked for, and nothing could check them.
    #[error(
        "failed to find keys: {} is jwt, which needs {}, {} or {}",
        environment::AUTH,
        environment::JWT_SECRET,
        environment::JWT_JWKS,
        environment::JWT_JWKS_URL
    )]
    FindKeys,
    /// Who sets these believes that tokens are asked for.
    #[error("failed to read {}: it is not jwt, but {names} is set", environment::AUTH)]
    ReadAuth {
        /// The variables, by comma.
        names: String,
    },
    /// Who sets this believes that keys are read from an address.
    #[error(
        "failed to find keys to read again: {} is set, but {} is not",
        environment::JWT_JWKS_SECONDS,
        environment::JWT_JWKS_URL
    )]
    ReadAgain,
    /// The set of keys cannot be used.
    #[error("failed to read {}", environment::JWT_JWKS)]
    ReadKeys(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The address of keys cannot be asked.
    #[error("failed to read {}", environment::JWT_JWKS_URL)]
    ReadAddress(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Gate {
    /// Nobody is asked who he is; what clients show is not looked at.
    pub const fn anonymous() -> Self {
        Self(None)
    }

    /// As configured. Keys that stand at an address are read until the token is cancelled, by a task of the runtime in which this is
    /// called. `ticket_key` is a secret of all instances that take each other's tickets, from which the key of tickets is derived.
    ///
    /// # Errors
    /// [`Error`], with the names of the variables to change.
    pub fn start(config: &AccessConfig, ticket_key: &[u8], token: CancellationToken) -> Result<Self, Error> {
        if config.auth == Auth::Anonymous {
            let names = config.of_tokens();
            let is_open = names.is_empty();
            return if is_open { Ok(Self::anonymous()) } else { Err(Error::ReadAuth { names: names.join(", ") }) };
        }
        let leeway = SignedDuration::from_secs(config.jwt_leeway_seconds.unwrap_or(LEEWAY_SECONDS).into());
        let issuer = config.jwt_issuer.as_deref().map(Box::from);
        let audience = config.jwt_audience.iter().map(|name| name.as_str().into()).collect();
        let policy = Policy { issuer, audience, leeway };
        let measures = Measures::new();
        let keys = Keys::start(config, &measures, token)?;
        Ok(Self(Some(Arc::new(Door { keys, policy, tickets: Tickets::new(ticket_key), measures }))))
    }

    /// Has who is refused counted there, and how keys at an address are read. Where nobody is asked, there is nothing to count.
    ///
    /// # Errors
    /// When the name of a metric is taken.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let Some(door) = &self.0 else { return Ok(()) };
        door.measures.register(registry, matches!(door.keys, Keys::Remote(_)))
    }

    /// Whether clients are asked who they are.
    pub const fn asks(&self) -> bool {
        self.0.is_some()
    }

    /// What the client may do that shows this. When its key is not known, the keys are read again, for which this waits 6 s at most.
    ///
    /// # Errors
    /// [`Refusal`], with the sentence for the client.
    pub async fn check(&self, credential: Credential<'_>) -> Result<Access, Refusal> {
        let Some(door) = &self.0 else { return Ok(Access::anonymous()) };
        let asked = Instant::now();
        let mut checked = door.check(credential, Timestamp::now());
        if matches!(checked, Err(Doubt::Keys(_))) && door.keys.read_again().await {
            checked = door.check(credential, Timestamp::now());
        }
        checked.map_err(|doubt| door.refusal(doubt, asked))
    }

    /// The same with the keys that are at hand, for who cannot wait. Of keys at an address it never says that one is not known.
    ///
    /// # Errors
    /// [`Refusal`], with the sentence for the client.
    pub fn check_now(&self, credential: Credential<'_>) -> Result<Access, Refusal> {
        let Some(door) = &self.0 else { return Ok(Access::anonymous()) };
        let asked = Instant::now();
        door.check(credential, Timestamp::now()).map_err(|doubt| {
            if matches!(doubt, Doubt::Keys(_)) {
                door.keys.want();
            }
            door.refusal(doubt, asked)
        })
    }

    /// A ticket for what the access may hear, for an hour, or until the access ends. `None` where nobody is asked who he is.
    pub fn ticket(&self, access: &Access, now: Timestamp) -> Option<Ticket> {
        self.0.as_ref()?.tickets.give(access, now)
    }
}

impl Door {
    fn check(&self, credential: Credential<'_>, now: Timestamp) -> Result<Access, Doubt> {
        match credential {
            Credential::Nothing => Err(Doubt::Refused(Refusal::Missing)),
            Credential::Unreadable => Err(Doubt::Refused(Refusal::Malformed)),
            Credential::Ticket(text) => self.tickets.read(text, now).map_err(Doubt::Refused),
            Credential::Token(text) => {
                let token = Token::read(text, token::LENGTH).map_err(Doubt::Refused)?;
                if is_ticket(&token) {
                    return Err(Doubt::Refused(Refusal::Malformed));
                }
                token::access(&token, &self.keys.at_hand(), &self.policy, now)
            }
        }
    }

    /// What the client is told that asked at that time. The issuer may have made a key since the address was read, and a refusal for
    /// good would keep its holder out: only a reading that began later can say that a key is unknown.
    fn refusal(&self, doubt: Doubt, asked: Instant) -> Refusal {
        let refusal = match (&self.keys, doubt) {
            (Keys::Remote(remote), Doubt::Keys(_)) if remote.known().since.is_none_or(|since| since < asked) => {
                Refusal::KeysAway
            }
            _ => doubt.refusal(),
        };
        self.measures.refused(refusal);
        refusal
    }
}

impl Keys {
    fn start(config: &AccessConfig, measures: &Measures, token: CancellationToken) -> Result<Self, Error> {
        let mut given = KeySet::default();
        if let Some(secret) = &config.jwt_secret {
            given = KeySet::of_secret(secret.expose().as_bytes());
        }
        if let Some(set) = &config.jwt_jwks {
            let set = KeySet::of_document(set.expose().as_bytes(), false);
            given = given.with(&set.map_err(|error| Error::ReadKeys(error.into()))?);
        }
        let Some(address) = &config.jwt_jwks_url else {
            if config.jwt_jwks_seconds.is_some() {
                return Err(Error::ReadAgain);
            }
            return if given.len() == 0 { Err(Error::FindKeys) } else { Ok(Self::Given(Arc::new(given))) };
        };
        let every = Duration::from_secs(config.jwt_jwks_seconds.unwrap_or(JWKS_SECONDS).into());
        let remote = Remote::start(address, every, given, measures.clone(), token);
        remote.map(Self::Remote).map_err(|error| Error::ReadAddress(error.into()))
    }

    fn at_hand(&self) -> Arc<KeySet> {
        match self {
            Self::Given(keys) => keys.clone(),
            Self::Remote(remote) => remote.known().keys,
        }
    }

    async fn read_again(&self) -> bool {
        match self {
            Self::Given(_) => false,
            Self::Remote(remote) => remote.read_again().await,
        }
    }

    fn want(&self) {
        if let Self::Remote(remote) = self {
            remote.want();
        }
    }
}

#[cfg(test)]
mod tests;
