//! The credentials Secret, as far as it is applied: who owns it. Its values are made once by the dereference step.

use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;

use super::{labels, metadata};
use crate::controller::stack::{ValidatedStack, credentials_name};

/// Labels and owner of the credentials: retained ones have none, so that they outlive the stack together with the volumes.
pub fn ownership(stack: &ValidatedStack) -> Secret {
    let owned = metadata::owned(stack, credentials_name(&stack.name), labels::of_stack(&stack.name));
    let owners = if stack.retain_volumes { Some(Vec::new()) } else { owned.owner_references };
    Secret { metadata: ObjectMeta { owner_references: owners, ..owned }, ..Secret::default() }
}
