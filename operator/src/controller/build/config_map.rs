//! ConfigMaps.

use k8s_openapi::api::core::v1::ConfigMap;

use super::{labels, metadata};
use crate::controller::stack::{ValidatedBackend, ValidatedStack};

/// The files of a backend.
pub fn config_map(stack: &ValidatedStack, backend: &ValidatedBackend) -> ConfigMap {
    ConfigMap {
        metadata: metadata::owned(
            stack,
            stack.object_name(backend.component),
            labels::of_component(&stack.name, backend.component),
        ),
        data: Some(backend.files.clone()),
        ..ConfigMap::default()
    }
}
