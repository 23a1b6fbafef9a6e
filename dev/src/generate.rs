//! The files that are generated from the code.

use anyhow::Result;

use crate::images::workload;
use crate::session::Session;
use crate::{cache, command, repository};

/// Documents of the API: the subcommand that prints one, and its file.
const DOCUMENTS: [(&str, &str); 2] = [("openapi", "docs/openapi.json"), ("asyncapi", "docs/asyncapi.json")];

/// Writes the resource's definition and the admission policy from the types, and the API's documents from what it serves. Tests of operator and API
/// fail when they differ.
pub(crate) fn write(session: &Session) -> Result<()> {
    let mut cargo = workload::cargo(&session.cache);
    cargo
        .args(["run", "--quiet", "--package", "realtime-operator", "--", "generate", "--into"])
        .arg(repository::root());
    command::read(&mut cargo)?;
    for (subcommand, file) in DOCUMENTS {
        let mut cargo = workload::cargo(&session.cache);
        cargo.args(["run", "--quiet", "--package", "realtime-api", "--", subcommand]);
        cache::write(&repository::root().join(file), &command::read(&mut cargo)?)?;
    }
    session.progress.line(
        "wrote crds/realtimestack.yaml, charts/realtime-operator/files, docs/openapi.json and docs/asyncapi.json",
    );
    Ok(())
}
