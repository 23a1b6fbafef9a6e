//! The files that the cluster's programs read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context, Result};

use super::Cluster;
use crate::{cache, command, key};

const INIT: &str = include_str!("../../cluster/init");

/// Names below `configuration/` and their templates.
const TEMPLATES: [(&str, &str); 9] = [
    ("containerd.toml", include_str!("../../cluster/configuration/containerd.toml")),
    ("cni/10-pods.conflist", include_str!("../../cluster/configuration/network.conflist")),
    ("kubelet.yaml", include_str!("../../cluster/configuration/kubelet.yaml")),
    ("kube-proxy.yaml", include_str!("../../cluster/configuration/kube-proxy.yaml")),
    ("audit-policy.yaml", include_str!("../../cluster/configuration/audit-policy.yaml")),
    ("Corefile", include_str!("../../cluster/configuration/Corefile")),
    ("resolv.conf", include_str!("../../cluster/configuration/resolv.conf")),
    ("storage.json", include_str!("../../cluster/configuration/storage.json")),
    ("storage.yaml", include_str!("../../cluster/configuration/storage.yaml")),
];

/// Everything that a running cluster was started with.
#[derive(Debug)]
pub(crate) struct Configuration {
    files: Vec<(String, String)>,
}

impl Configuration {
    /// Fills the templates for one cluster. `helper_image` sleeps in each pod's sandbox and prepares volumes.
    pub(crate) fn new(cluster: &Cluster, helper_image: &str) -> Self {
        let values = values(cluster, helper_image);
        let mut files = vec![("environment".to_owned(), environment(&values))];
        for (name, template) in TEMPLATES {
            files.push((format!("configuration/{name}"), fill(template, &values)));
        }
        files.push(("init".to_owned(), INIT.to_owned()));
        Self { files }
    }

    /// Differs when a cluster has to be started anew: for other files, or for other programs, which have these keys.
    pub(crate) fn key(&self, programs: &[String]) -> Result<String> {
        let files = self.files.iter().flat_map(|(name, text)| [name.as_str(), text.as_str()]);
        let texts: Vec<&str> = files.chain(programs.iter().map(String::as_str)).collect();
        key::of_texts(&texts)
    }

    /// Writes the files and what is still missing of the certificates.
    pub(crate) fn write(&self, cluster: &Cluster) -> Result<()> {
        let folder = cluster.folder();
        for (name, text) in &self.files {
            let path = folder.join(name);
            let parent = path.parent().context("a configuration file has no folder")?;
            fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
            cache::write(&path, text)?;
        }
        fs::set_permissions(folder.join("init"), fs::Permissions::from_mode(0o755))
            .context("failed to make the cluster's first program executable")?;
        write_certificates(cluster)
    }
}

fn write_certificates(cluster: &Cluster) -> Result<()> {
    let mut pki = command::new(cluster.cache.program("kubernetes"));
    pki.arg("pki").arg("--folder").arg(cluster.pki());
    pki.args(["--cluster", &cluster.context(), "--node", &cluster.context()]);
    pki.args(["--node-address", &cluster.node_address(), "--service-address", &cluster.service_address()]);
    command::read(&mut pki).map(drop)
}

fn values(cluster: &Cluster, helper_image: &str) -> Vec<(&'static str, String)> {
    vec![
        ("NODE", cluster.context()),
        ("CONTEXT", cluster.context()),
        ("CGROUP", cluster.context()),
        ("NODE_ADDRESS", cluster.node_address()),
        ("INNER_ADDRESS", cluster.inner_address()),
        ("HOST_ADDRESS", cluster.host_address()),
        ("PODS", cluster.pods()),
        ("NODE_PODS", cluster.node_pods()),
        ("SERVICES", cluster.services()),
        ("HELPER_IMAGE", helper_image.to_owned()),
        ("PROGRAMS", cluster.cache.programs().display().to_string()),
        ("PKI", cluster.pki().display().to_string()),
        ("CONFIGURATION", cluster.folder().join("configuration").display().to_string()),
    ]
}

/// Lines that a shell can read.
fn environment(values: &[(&str, String)]) -> String {
    values.iter().map(|(name, value)| format!("{name}='{value}'\n")).collect()
}

fn fill(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    #[test]
    fn fills_every_placeholder_of_every_file() {
        let cluster = Cluster::named(&Cache::open().unwrap(), "dev").unwrap();
        for (name, text) in Configuration::new(&cluster, "realtime.local/busybox:1").files {
            assert!(!text.contains("{{"), "{name} still has a placeholder:\n{text}");
        }
    }

    #[test]
    fn starts_a_cluster_anew_for_another_program() {
        let cluster = Cluster::named(&Cache::open().unwrap(), "dev").unwrap();
        let key = |program: &str| Configuration::new(&cluster, "image").key(&[program.to_owned()]).unwrap();
        assert_eq!(key("coredns@v1"), key("coredns@v1"));
        assert_ne!(key("coredns@v1"), key("coredns@v2"));
    }

    #[test]
    fn gives_the_two_clusters_nothing_in_common() {
        let cache = Cache::open().unwrap();
        let (dev, test) = (Cluster::named(&cache, "dev").unwrap(), Cluster::named(&cache, "test").unwrap());
        let shared = ["PROGRAMS", "HELPER_IMAGE"];
        let names = |cluster: &Cluster| values(cluster, "image");
        for ((name, one), (_, other)) in names(&dev).into_iter().zip(names(&test)) {
            assert!(shared.contains(&name) || one != other, "{name} is {one} in both");
        }
        assert_ne!(dev.interface(), test.interface());
    }
}
