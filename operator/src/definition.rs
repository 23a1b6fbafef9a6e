//! The resource's definition as text.

use thiserror::Error;

const HEADER: &str = "# Generated from the types in crds/src by `cargo xtask crd`; a test fails when it differs.\n";

/// The definition cannot be written as YAML.
#[derive(Debug, Error)]
#[error("failed to serialize the definition")]
pub struct Error(#[source] serde_yaml::Error);

/// The definition of `RealtimeStack` as YAML.
///
/// # Errors
/// [`Error`] when the serializer refuses it.
pub fn yaml() -> Result<String, Error> {
    serde_yaml::to_string(&realtime_crds::definition()).map(|body| format!("{HEADER}{body}")).map_err(Error)
}
