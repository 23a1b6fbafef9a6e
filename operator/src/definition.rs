//! What is generated from the types: the resource's definition and the admission policy, as YAML.

use serde::Serialize;
use thiserror::Error;

use crate::admission;

const HEADER: &str =
    "# Generated from the types in crds/src by `cargo xtask generate`; a test fails when it differs.\n";

/// An object cannot be written as YAML.
#[derive(Debug, Error)]
#[error("failed to serialize")]
pub struct Error(#[source] serde_yaml::Error);

/// A file that is generated.
pub struct Generated {
    /// Its path in the repository.
    pub path: &'static str,
    /// Its content.
    pub content: String,
}

/// Every generated file.
///
/// # Errors
/// [`Error`] when the serializer refuses an object.
pub fn files() -> Result<Vec<Generated>, Error> {
    let definition = yaml(&realtime_crds::definition())?;
    let policy = yaml(&admission::policy())?;
    Ok(vec![
        Generated { path: "crds/realtimestack.yaml", content: definition.clone() },
        Generated { path: "charts/realtime-operator/files/realtimestack.yaml", content: definition },
        Generated { path: "charts/realtime-operator/files/admission-policy.yaml", content: policy },
    ])
}

fn yaml<T: Serialize>(object: &T) -> Result<String, Error> {
    serde_yaml::to_string(object).map(|body| format!("{HEADER}{body}")).map_err(Error)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_committed_files_are_the_generated_ones_and_small_enough_for_client_side_apply() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for file in super::files().unwrap() {
            let committed = std::fs::read_to_string(root.join(file.path)).unwrap_or_default();
            assert!(committed == file.content, "{} differs from the types: run `cargo xtask generate`", file.path);
            assert!(file.content.len() < 200_000, "{} has {} bytes", file.path, file.content.len());
        }
    }
}
