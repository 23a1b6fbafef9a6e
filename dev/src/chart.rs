//! The operator's chart on a cluster.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::cache;
use crate::cache::Cache;
use crate::command;
use crate::images::Image;
use crate::kubectl::Kubectl;
use crate::{programs, repository};

/// Namespace of the operator.
pub(crate) const NAMESPACE: &str = "realtime-system";

/// Name of the release, and of the chart.
pub(crate) const RELEASE: &str = "realtime-operator";

/// The chart in this checkout.
pub(crate) fn folder() -> PathBuf {
    repository::root().join("charts").join(RELEASE)
}

/// Writes the values that name local images and gives the file's path. JSON is YAML, too.
pub(crate) fn write_values(cache: &Cache, cluster: &str, images: &[Image]) -> Result<PathBuf> {
    let folder = cache.root().join("values");
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let path = folder.join(format!("{}.json", cluster.replace('/', "-")));
    let text = serde_json::to_string_pretty(&values(images)).context("failed to encode the chart's values")?;
    cache::write(&path, &text)?;
    Ok(path)
}

/// `image.operator` is the operator's own; `images` holds those of the components by name.
fn values(images: &[Image]) -> Value {
    let mut operator = Map::new();
    let mut components = Map::new();
    for image in images {
        let name = image.name.strip_prefix("realtime-").unwrap_or(&image.name);
        let group = if name == "operator" { &mut operator } else { &mut components };
        group.insert(name.to_owned(), Value::from(image.reference.clone()));
    }
    json!({"image": operator, "images": components})
}

/// Installs or upgrades the chart and waits until the operator runs.
pub(crate) fn install(kubectl: &Kubectl, values: &Path, log: &Path) -> Result<()> {
    forget_interrupted(kubectl)?;
    let mut helm = kubectl.helm();
    helm.args(["upgrade", "--install", RELEASE]).arg(folder());
    helm.args(["--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout=120s", "--values"]).arg(values);
    command::run(&mut helm, log)
}

/// A helm that was killed leaves a record that makes every later one refuse.
fn forget_interrupted(kubectl: &Kubectl) -> Result<()> {
    let selector = format!("owner=helm,name={RELEASE},status in (pending-install,pending-upgrade,pending-rollback)");
    kubectl.read(&["--namespace", NAMESPACE, "delete", "secret", "--ignore-not-found", "--selector", &selector])?;
    Ok(())
}

/// Checks the chart without a cluster.
pub(crate) fn lint(cache: &Cache, log: &Path) -> Result<()> {
    let helm = cache.program("helm");
    command::run(command::new(&helm).args(["lint", "--strict"]).arg(folder()), log)?;
    // Without a cluster helm takes the version of its own libraries, which is older than the chart asks for.
    let arguments = ["--namespace", NAMESPACE, "--kube-version", programs::KUBERNETES];
    command::run(command::new(&helm).args(["template", RELEASE]).arg(folder()).args(arguments), log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_operator_apart_from_the_components() {
        let images = ["realtime-operator", "realtime-api", "kafka"].map(|name| Image::new(Path::new("/x"), name, "1"));
        let expected = json!({
            "image": {"operator": "realtime.local/realtime-operator:1"},
            "images": {"api": "realtime.local/realtime-api:1", "kafka": "realtime.local/kafka:1"},
        });
        assert_eq!(values(&images), expected);
    }
}
