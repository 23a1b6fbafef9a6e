//! The dereference step: reads what the spec refers to, and creates what can be made only once. The only step before apply with IO.

#[cfg(test)]
mod tests;
pub mod token_key;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret};
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, Resource, ResourceExt};
use realtime_contract::Component;
use realtime_crds::{RealtimeStack, Reconciliation, VolumePolicy};
use thiserror::Error;
use uuid::Uuid;

use self::token_key::TokenKey;
use super::build::labels;
use super::object::{Key, Kind};
use super::observed::Observed;
use super::stack::{CredentialKey, auth_name, claim_name, credentials_name};

/// What a spec refers to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct References {
    /// Content hash of each credential; the values themselves stay in the Secret.
    pub credentials: BTreeMap<CredentialKey, String>,
    /// What tokens are checked with, if it stands in a Secret.
    pub token_key: Option<TokenKey>,
    /// Whether the generated Secret for tokens is there, also when it is not used any more.
    pub auth_secret: bool,
    /// Volume claims that exist, by name.
    pub volumes: BTreeMap<String, ExistingVolume>,
}

/// A volume claim that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct ExistingVolume {
    /// Size that it asked for.
    pub size: String,
    /// Its class.
    pub class: Option<String>,
    /// Whether it carries the stack's labels. One that does not is somebody else's.
    pub own: bool,
}

/// Which attempt failed.
#[derive(Debug, Error)]
pub enum Error {
    /// A Secret could not be read.
    #[error("failed to read secret {name}")]
    ReadSecret {
        /// Name of the Secret.
        name: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// A generated Secret could not be created.
    #[error("failed to create secret {name}")]
    CreateSecret {
        /// Name of the Secret.
        name: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// A key that older stacks had not could not be added to the credentials Secret.
    #[error("failed to add the missing keys to secret {name}")]
    AddKeys {
        /// Name of the Secret.
        name: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// It could not be found out whether a volume claim is there.
    #[error("failed to read volume claim {name}")]
    ReadClaim {
        /// Name of the claim.
        name: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// The Secret is there, but somebody took a key out of it.
    #[error(
        "failed to find key {key} in secret {name}: put it back, or delete the secret to have all credentials generated anew"
    )]
    FindKey {
        /// Name of the Secret.
        name: String,
        /// The missing key.
        key: &'static str,
    },
    /// What tokens are checked with is not there, or is not what it has to be.
    #[error(transparent)]
    TokenKey(#[from] token_key::Error),
}

/// What the stack refers to, with its credentials generated as far as there are none yet. A paused stack generates nothing.
///
/// # Errors
/// See [`enum@Error`].
pub async fn dereference(client: &Client, stack: &RealtimeStack, observed: &Observed) -> Result<References, Error> {
    let namespace = stack.namespace().unwrap_or_default();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &namespace);
    let name = credentials_name(&stack.name_any());
    let credentials = match read(&secrets, &name).await? {
        Some(secret) if is_paused(stack) => hashes(&name, &secret, true)?,
        Some(secret) => hashes(&name, &completed(&secrets, secret, stack).await?, false)?,
        None if is_paused(stack) => BTreeMap::new(),
        None => hashes(&name, &create(&secrets, generated(&name, stack)).await?, false)?,
    };
    let token_key = token_key::token_key(&secrets, stack).await?;
    let auth_secret = auth_name(&stack.name_any());
    Ok(References {
        credentials,
        auth_secret: token_key.as_ref().is_some_and(|key| key.secret == auth_secret)
            || observed.objects.contains_key(&Key { kind: Kind::Secret, name: auth_secret }),
        token_key,
        volumes: volumes(client, stack, observed).await?,
    })
}

/// Claims that the stack's backends would take up: those with its labels from the watch, others by a look at their names.
async fn volumes(
    client: &Client,
    stack: &RealtimeStack,
    observed: &Observed,
) -> Result<BTreeMap<String, ExistingVolume>, Error> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &stack.namespace().unwrap_or_default());
    let mut volumes: BTreeMap<_, _> =
        observed.claims.iter().map(|claim| (claim.name_any(), existing_volume(claim, &stack.name_any()))).collect();
    for component in Component::BACKENDS {
        let name = claim_name(&stack.name_any(), component);
        if !volumes.contains_key(&name) {
            let claim = api.get_opt(&name).await.map_err(|source| Error::ReadClaim { name: name.clone(), source })?;
            volumes.extend(claim.map(|claim| (name, existing_volume(&claim, &stack.name_any()))));
        }
    }
    Ok(volumes)
}

fn is_paused(stack: &RealtimeStack) -> bool {
    let operation = stack.spec.operation.as_ref();
    operation.and_then(|operation| operation.reconciliation) == Some(Reconciliation::Paused)
}

async fn read(secrets: &Api<Secret>, name: &str) -> Result<Option<Secret>, Error> {
    secrets.get_opt(name).await.map_err(|source| Error::ReadSecret { name: name.to_owned(), source })
}

/// Creates and never overwrites: when another one was faster, its values count.
async fn create(secrets: &Api<Secret>, secret: Secret) -> Result<Secret, Error> {
    let name = secret.name_any();
    match secrets
        .create(&PostParams { field_manager: Some(super::apply::MANAGER.to_owned()), ..PostParams::default() }, &secret)
        .await
    {
        Ok(created) => Ok(created),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            let found = read(secrets, &name).await?;
            found.ok_or_else(|| Error::CreateSecret { name, source: kube::Error::Api(status) })
        }
        Err(source) => Err(Error::CreateSecret { name, source }),
    }
}

/// The Secret with the keys that an older stack had not. The write counts only for the Secret as it was read: when another one was
/// faster, its values count. A Secret of somebody else stays as it is.
async fn completed(secrets: &Api<Secret>, secret: Secret, stack: &RealtimeStack) -> Result<Secret, Error> {
    let added: BTreeMap<&str, String> = CredentialKey::ALL
        .into_iter()
        .filter(|key| key.is_added() && value(&secret, *key).is_none())
        .map(|key| (key.name(), password()))
        .collect();
    if added.is_empty() || !labels::belongs_to(&secret.metadata, &stack.name_any()) {
        return Ok(secret);
    }
    let name = secret.name_any();
    let patch = serde_json::json!({
        "metadata": {"resourceVersion": secret.metadata.resource_version}, "stringData": added,
    });
    let parameters = PatchParams { field_manager: Some(super::apply::MANAGER.to_owned()), ..PatchParams::default() };
    match secrets.patch(&name, &parameters, &Patch::Merge(&patch)).await {
        Ok(completed) => Ok(completed),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            let found = read(secrets, &name).await?;
            found.ok_or_else(|| Error::AddKeys { name, source: kube::Error::Api(status) })
        }
        Err(source) => Err(Error::AddKeys { name, source }),
    }
}

fn generated(name: &str, stack: &RealtimeStack) -> Secret {
    secret_with(name, stack, CredentialKey::ALL.map(|key| key.name()))
}

/// A Secret of the stack with a password under each of the keys.
fn secret_with<const N: usize>(name: &str, stack: &RealtimeStack, keys: [&str; N]) -> Secret {
    let values = keys.map(|key| (key.to_owned(), password()));
    let policy = stack.spec.deletion_policy.clone().unwrap_or_default().volumes.unwrap_or_default();
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels::of_stack(&stack.name_any())),
            // From its first moment, so that a stack that is deleted before its first apply leaves nothing.
            owner_references: (policy == VolumePolicy::Delete)
                .then(|| stack.controller_owner_ref(&()))
                .flatten()
                .map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        string_data: Some(BTreeMap::from(values)),
        ..Secret::default()
    }
}

/// 244 random bits in hexadecimal digits, which no configuration language has to escape.
fn password() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Content hash of each credential. A paused stack may lack the keys that are added, since nothing is built for it.
fn hashes(name: &str, secret: &Secret, paused: bool) -> Result<BTreeMap<CredentialKey, String>, Error> {
    CredentialKey::ALL
        .into_iter()
        .filter(|key| !(paused && key.is_added() && value(secret, *key).is_none()))
        .map(|key| {
            let value = value(secret, key).ok_or_else(|| Error::FindKey { name: name.to_owned(), key: key.name() })?;
            Ok((key, crate::hash::short_hash(value)))
        })
        .collect()
}

fn value(secret: &Secret, key: CredentialKey) -> Option<&[u8]> {
    let value = secret.data.as_ref()?.get(key.name())?;
    (!value.0.is_empty()).then_some(value.0.as_slice())
}

fn existing_volume(claim: &PersistentVolumeClaim, stack: &str) -> ExistingVolume {
    let spec = claim.spec.as_ref();
    let requests = spec.and_then(|spec| spec.resources.as_ref()).and_then(|resources| resources.requests.as_ref());
    ExistingVolume {
        size: requests.and_then(|requests| requests.get("storage")).map(|size| size.0.clone()).unwrap_or_default(),
        class: spec.and_then(|spec| spec.storage_class_name.clone()),
        own: labels::belongs_to(&claim.metadata, stack),
    }
}
