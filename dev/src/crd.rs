//! The generated file of the custom resource.

use anyhow::Result;

use crate::images::workload;
use crate::session::Session;
use crate::{cache, command, repository};

/// Writes `crds/realtimestack.yaml` from the types.
pub(crate) fn write(session: &Session) -> Result<()> {
    let mut cargo = workload::cargo(&session.cache);
    cargo.args(["run", "--quiet", "--package", "realtime-operator", "--", "crd"]);
    let path = repository::root().join("crds/realtimestack.yaml");
    cache::write(&path, &command::read(&mut cargo)?)?;
    session.progress.line(&format!("wrote {}", path.display()));
    Ok(())
}
