//! The generated Secrets, as far as they are applied: who owns them. Their values are made once by the dereference step.

use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;

use super::{labels, metadata};
use crate::controller::stack::ValidatedStack;

/// Labels and owner of a generated Secret: a retained one has none, so that it outlives the stack together with the volumes.
pub fn ownership(stack: &ValidatedStack, name: &str) -> Secret {
    let owned = metadata::owned(stack, name.to_owned(), labels::of_stack(&stack.name));
    let owners = if stack.retain_volumes { Some(Vec::new()) } else { owned.owner_references };
    Secret { metadata: ObjectMeta { owner_references: owners, ..owned }, ..Secret::default() }
}
