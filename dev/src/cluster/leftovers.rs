//! What a cluster that has ended may have left on the machine. Nothing, or `down` says what.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::Cluster;
use crate::command;

/// One line for each thing of the cluster that is still there.
pub(crate) fn find(cluster: &Cluster) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(processes(cluster));
    found.extend(lines_with("mount", &read("/proc/self/mounts"), &[&cluster.folder().display().to_string()]));
    found.extend(lines_with("interface", &output("ip", &["-brief", "link"]), &[&format!("{}@", cluster.interface())]));
    let networks = cluster.prefixes();
    let networks: Vec<&str> = networks.iter().map(String::as_str).collect();
    found.extend(lines_with("route", &output("ip", &["route", "show", "table", "all"]), &networks));
    found.extend(lines_with("rule", &output("ip", &["rule"]), &networks));
    found.extend(lines_with("rule", &output("iptables-save", &[]), &networks));
    found.extend(lines_with("rule", &output("nft", &["list", "ruleset"]), &networks));
    found.extend(cgroups(cluster).iter().map(|path| format!("control group {}", path.display())));
    if cluster.folder().exists() {
        found.push(format!("data {}", cluster.folder().display()));
    }
    found
}

/// The cluster's folder in each hierarchy of control groups, where it is there.
pub(crate) fn cgroups(cluster: &Cluster) -> Vec<PathBuf> {
    let root = PathBuf::from("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path());
    std::iter::once(root.clone())
        .chain(hierarchies)
        .map(|hierarchy| hierarchy.join(cluster.context()))
        .filter(|folder| folder.is_dir())
        .collect()
}

/// Processes whose arguments name the cluster's folder, or that are in one of its control groups.
fn processes(cluster: &Cluster) -> Vec<String> {
    let folder = cluster.folder().display().to_string();
    let group = format!("/{}/", cluster.context());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|id| *id != std::process::id())
        .filter_map(|id| {
            let arguments = read(&format!("/proc/{id}/cmdline")).replace('\0', " ");
            let grouped = read(&format!("/proc/{id}/cgroup")).contains(&group);
            (grouped || arguments.contains(&folder)).then(|| format!("process {id}: {arguments}"))
        })
        .collect()
}

fn lines_with(kind: &str, text: &str, needles: &[&str]) -> Vec<String> {
    text.lines()
        .filter(|line| needles.iter().any(|needle| line.contains(needle)))
        .map(|line| format!("{kind} {}", line.trim()))
        .collect()
}

fn read(path: &str) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Empty where the program is missing: then there is nothing of its kind either.
fn output(program: &str, arguments: &[&str]) -> String {
    command::read(Command::new(program).args(arguments)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    #[test]
    fn finds_routes_of_its_own_networks_only() {
        let cluster = Cluster::named(&Cache::open().unwrap(), "dev").unwrap();
        let networks = cluster.prefixes();
        let needles: Vec<&str> = networks.iter().map(String::as_str).collect();
        let text =
            "default via 172.16.0.1 dev eth0\n10.244.0.0/16 via 10.245.0.2 dev rt-dev\n10.246.0.0/16 dev rt-test";
        assert_eq!(lines_with("route", text, &needles), ["route 10.244.0.0/16 via 10.245.0.2 dev rt-dev"]);
    }
}
