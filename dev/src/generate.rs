//! The files that are generated from the types.

use anyhow::Result;

use crate::images::workload;
use crate::session::Session;
use crate::{command, repository};

/// Writes the resource's definition and the admission policy from the types; the operator's tests fail when they differ.
pub(crate) fn write(session: &Session) -> Result<()> {
    let mut cargo = workload::cargo(&session.cache);
    cargo
        .args(["run", "--quiet", "--package", "realtime-operator", "--", "generate", "--into"])
        .arg(repository::root());
    command::read(&mut cargo)?;
    session.progress.line("wrote crds/realtimestack.yaml and charts/realtime-operator/files");
    Ok(())
}
