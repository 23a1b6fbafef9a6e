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

/// Choices of unions whose content may be empty, by their places in the spec.
const CHOICES: [&[&str]; 6] = [
    &["redis", "managed"],
    &["kafka", "managed"],
    &["postgres", "managed"],
    &["security", "auth", "anonymous"],
    &["security", "auth", "jwt"],
    &["security", "auth", "jwt", "key", "generated"],
];

/// Lets the API server take a null where an emptied object is meant: for the spec itself, and for the content of a choice.
pub(crate) fn tolerate(spec: &mut JSONSchemaProps) {
    spec.default = Some(JSON(serde_json::json!({})));
    for path in CHOICES {
        let choice = path.iter().try_fold(&mut *spec, |schema, name| crate::property(schema, name));
        if let Some(choice) = choice {
            choice.nullable = Some(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_whose_content_may_be_empty_takes_a_null() {
        let mut definition = crate::definition();
        let schema = definition.spec.versions[0].schema.as_mut().and_then(|it| it.open_api_v3_schema.as_mut()).unwrap();
        let spec = crate::property(schema, "spec").unwrap();
        for path in CHOICES {
            let choice = path.iter().try_fold(&mut *spec, |schema, name| crate::property(schema, name));
            assert_eq!(choice.and_then(|choice| choice.nullable), Some(true), "{path:?}");
        }
    }
}
