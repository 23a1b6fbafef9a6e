//! Null as nothing. Server-side apply leaves a null where it takes away the last field of an object that somebody owned.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSON, JSONSchemaProps};
use serde::{Deserialize, Deserializer};

/// For `#[serde(deserialize_with)]`: a null is the default.
///
/// # Errors
/// The deserializer's, for what is neither null nor a value of the type.
pub(crate) fn is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Lets the API server take a null where an emptied object is meant: for the spec itself, and for the content of a managed backend.
pub(crate) fn tolerate(spec: &mut JSONSchemaProps) {
    spec.default = Some(JSON(serde_json::json!({})));
    for backend in ["redis", "kafka", "postgres"] {
        let managed = crate::property(spec, backend).and_then(|backend| crate::property(backend, "managed"));
        if let Some(managed) = managed {
            managed.nullable = Some(true);
        }
    }
}
