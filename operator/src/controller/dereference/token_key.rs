//! What tokens are checked with, as far as it stands in a Secret: one that is made once, or one of the user's own.

use std::collections::BTreeMap;
use std::error::Error as _;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::Api;
use realtime_access::{AccessConfig, Gate};
use realtime_crds::{Auth, RealtimeStack, TokenKey as Source};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::{create, is_paused, read, secret_with};
use crate::controller::stack::auth_name;

/// The label by which changes of a Secret that is not ours are noticed.
pub const RELOAD: &str = "realtimestack.io/reload";

/// Bytes of a secret at least: as many as HS256 gives (RFC 7518, section 3.2).
const LEAST: usize = 32;
/// Bytes of a set of keys at most: it comes to the pods as a variable, of which Linux takes 128 KiB.
const MOST: usize = 64 << 10;

/// What tokens are checked with.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenKey {
    /// Name of the Secret.
    pub secret: String,
    /// What it is.
    pub form: Form,
    /// Content hash; the value itself stays in the Secret.
    pub hash: String,
    /// Whether a change of it wakes the operator.
    pub is_watched: bool,
}

/// What a key of tokens is. Either has a fixed key in its Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A secret that tokens are also made with.
    Shared,
    /// A set of JSON Web Keys.
    Set,
}

impl Form {
    /// The key in the Secret.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Shared => "secret",
            Self::Set => "jwks.json",
        }
    }
}

/// Which attempt failed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// The Secret is not there.
    #[error(
        "failed to find secret {name}, which security.auth.jwt.key names: create it, with `secret` (32 bytes or more) or `jwks.json` (a set of JSON Web Keys)"
    )]
    FindSecret {
        /// Its name.
        name: String,
    },
    /// The Secret has neither key.
    #[error(
        "failed to find `secret` (32 bytes or more) or `jwks.json` (a set of JSON Web Keys) in secret {name}: add one of them"
    )]
    FindKey {
        /// Its name.
        name: String,
    },
    /// Somebody took the key out of the generated Secret.
    #[error(
        "failed to find `secret` in secret {name}: put it back, or delete the secret to have another one generated"
    )]
    FindGenerated {
        /// Its name.
        name: String,
    },
    /// The Secret has both keys.
    #[error("failed to choose between `secret` and `jwks.json` in secret {name}: take one of them out")]
    ChooseKey {
        /// Its name.
        name: String,
    },
    /// The value is not what it has to be.
    #[error("failed to use `{key}` in secret {name}: {reason}", key = form.key())]
    UseKey {
        /// Its name.
        name: String,
        /// Which key.
        form: Form,
        /// What is wrong, and what to do. Nothing of the value stands in it.
        reason: String,
    },
}

/// What tokens are checked with, generated if the stack wants that and there is none. `None` when nothing of it stands in a Secret, or when the
/// stack is paused and there is none yet. One of the user's own that has the name of the generated one is not read: the stack is refused.
///
/// # Errors
/// See [`enum@Error`], and when the Secret cannot be read or made.
pub(super) async fn token_key(secrets: &Api<Secret>, stack: &RealtimeStack) -> Result<Option<TokenKey>, super::Error> {
    let auth = stack.spec.security.as_ref().and_then(|security| security.auth.clone()).unwrap_or_default();
    let Auth::Jwt(jwt) = auth else { return Ok(None) };
    match jwt.key.unwrap_or_default() {
        Source::Jwks(_) => Ok(None),
        Source::Secret(source) if source.name == auth_name(&stack.name_any()) => Ok(None),
        Source::Secret(source) => {
            let secret = read(secrets, &source.name).await?;
            Ok(Some(of_user(&secret.ok_or(Error::FindSecret { name: source.name })?)?))
        }
        Source::Generated(_) => {
            let name = auth_name(&stack.name_any());
            let secret = match read(secrets, &name).await? {
                Some(secret) => secret,
                None if is_paused(stack) => return Ok(None),
                None => create(secrets, secret_with(&name, stack, [Form::Shared.key()])).await?,
            };
            Ok(Some(generated(&secret)?))
        }
    }
}

fn generated(secret: &Secret) -> Result<TokenKey, Error> {
    let value = value(secret, Form::Shared).ok_or_else(|| Error::FindGenerated { name: secret.name_any() })?;
    Ok(TokenKey { is_watched: true, ..checked(secret, Form::Shared, value)? })
}

fn of_user(secret: &Secret) -> Result<TokenKey, Error> {
    match (value(secret, Form::Shared), value(secret, Form::Set)) {
        (Some(value), None) => checked(secret, Form::Shared, value),
        (None, Some(value)) => checked(secret, Form::Set, value),
        (None, None) => Err(Error::FindKey { name: secret.name_any() }),
        (Some(_), Some(_)) => Err(Error::ChooseKey { name: secret.name_any() }),
    }
}

fn checked(secret: &Secret, form: Form, value: &[u8]) -> Result<TokenKey, Error> {
    let name = secret.name_any();
    match fault(form, value) {
        Some(reason) => Err(Error::UseKey { name, form, reason }),
        None => Ok(TokenKey {
            is_watched: is_watched(secret.metadata.labels.as_ref()),
            hash: crate::hash::short_hash(value),
            form,
            secret: name,
        }),
    }
}

/// Whether a Secret carries the label.
fn is_watched(labels: Option<&BTreeMap<String, String>>) -> bool {
    labels.and_then(|labels| labels.get(RELOAD)).is_some_and(|value| value == "true")
}

/// What would keep the pods from starting with it.
fn fault(form: Form, value: &[u8]) -> Option<String> {
    let Ok(text) = str::from_utf8(value) else {
        return Some(
            "it is no text in UTF-8, as a variable of a process has to be; encode it, as base64 for example".to_owned(),
        );
    };
    if text.contains('\0') {
        return Some(
            "it has a byte 0, which no variable of a process can hold; encode it, as base64 for example".to_owned(),
        );
    }
    match form {
        Form::Shared if value.len() < LEAST => {
            Some("it has less than 32 bytes, so that tokens could be forged; take a longer one".to_owned())
        }
        Form::Shared if text.trim() != text => Some(
            "it begins or ends with white space, which would be part of it, as a line end that an editor or `echo` adds; write it without"
                .to_owned(),
        ),
        Form::Shared => None,
        Form::Set if value.len() > MOST => {
            Some("it has more than 64 KiB; take out keys that no token is signed with".to_owned())
        }
        Form::Set => fault_of_set(text),
    }
}

/// What the pods would say of the set: it is read as they read it.
fn fault_of_set(text: &str) -> Option<String> {
    let asks = realtime_access::Auth::Jwt;
    let config = AccessConfig { auth: asks, jwt_jwks: Some(text.to_owned().into()), ..AccessConfig::default() };
    let error = Gate::start(&config, &[], CancellationToken::new()).err()?;
    Some(format!("{}; correct it", error.source().unwrap_or(&error)))
}

fn value(secret: &Secret, form: Form) -> Option<&[u8]> {
    let ByteString(value) = secret.data.as_ref()?.get(form.key())?;
    (!value.is_empty()).then_some(value.as_slice())
}
