//! Writes to the API server, as its own audit log has them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use serde_json::Value;

use crate::cluster::{OPERATOR, OPERATOR_NAMESPACE};
use crate::environment;

/// One write.
#[derive(Clone, Debug)]
pub struct Write {
    /// Who: as in `system:serviceaccount:<namespace>:<name>`.
    pub user: String,
    /// `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// Plural of the kind, with the subresource after a slash.
    pub resource: String,
    /// Namespace of the object; empty when it has none.
    pub namespace: String,
    /// Name of the object; empty when the server gives it.
    pub name: String,
}

/// A place in the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Place(u64);

/// The log's present end.
///
/// # Panics
/// When there is no log.
pub fn end() -> Place {
    let path = environment::path(environment::AUDIT_LOG);
    let metadata = std::fs::metadata(&path);
    Place(metadata.unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display())).len())
}

/// The log's beginning.
pub const fn beginning() -> Place {
    Place(0)
}

/// Writes behind a place, but for those by which the operator keeps its lease.
///
/// # Panics
/// When the log cannot be read, or was rotated since.
pub fn writes_since(place: Place) -> Vec<Write> {
    let path = environment::path(environment::AUDIT_LOG);
    let read = || -> std::io::Result<String> {
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(place.0))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text)
    };
    assert!(end().0 >= place.0, "the audit log was rotated while it was watched");
    let text = read().unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()));
    // The last line may be half written.
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete.lines().filter_map(parse).filter(|write| !is_operators_lease(write)).collect()
}

fn is_operators_lease(write: &Write) -> bool {
    (write.resource.as_str(), write.namespace.as_str(), write.name.as_str()) == ("leases", OPERATOR_NAMESPACE, OPERATOR)
}

fn parse(line: &str) -> Option<Write> {
    let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("audit log: {error} in {line}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let verb = text(&entry["verb"]);
    if !["create", "update", "patch", "delete", "deletecollection"].contains(&verb.as_str()) {
        return None;
    }
    let object = &entry["objectRef"];
    let subresource = object["subresource"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
    Some(Write {
        user: text(&entry["user"]["username"]),
        verb,
        resource: format!("{}{subresource}", text(&object["resource"])),
        namespace: text(&object["namespace"]),
        name: text(&object["name"]),
    })
}
