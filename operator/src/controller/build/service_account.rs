//! ServiceAccounts.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::{labels, metadata};
use crate::controller::stack::{ValidatedStack, ValidatedWorkload};

/// The identity of a workload's pods. Tokens are mounted by the pods that use one.
pub fn service_account(stack: &ValidatedStack, workload: &ValidatedWorkload) -> ServiceAccount {
    ServiceAccount {
        metadata: metadata::owned(
            stack,
            stack.object_name(workload.component),
            labels::of_component(&stack.name, workload.component),
        ),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
