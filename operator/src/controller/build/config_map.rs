//! ConfigMaps.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use realtime_contract::Component;

use super::{labels, metadata};
use crate::controller::stack::ValidatedStack;

/// The files of a component.
pub fn config_map(stack: &ValidatedStack, component: Component, files: &BTreeMap<String, String>) -> ConfigMap {
    ConfigMap {
        metadata: metadata::owned(stack, stack.object_name(component), labels::of_component(&stack.name, component)),
        data: Some(files.clone()),
        ..ConfigMap::default()
    }
}
