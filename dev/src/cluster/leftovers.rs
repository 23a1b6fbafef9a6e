//! What a cluster that has ended may have left on the machine. Nothing, or `down` says what.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::Cluster;
use crate::command;

/// An error that names what is left of these clusters, if anything is.
pub(crate) fn refuse(clusters: &[Cluster]) -> Result<()> {
    let left: Vec<String> = clusters.iter().flat_map(find).collect();
    if !left.is_empty() {
        bail!("this is left:\n{}", left.join("\n"));
    }
    Ok(())
}

/// One line for each thing of the cluster that is still there.
fn find(cluster: &Cluster) -> Vec<String> {
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

/// Processes in one of the cluster's control groups, or among mounts that are not the machine's and have its folder, as
/// the mounts of its first program do. An editor or a kubectl that works on its files is neither.
fn processes(cluster: &Cluster) -> Vec<String> {
    let folder = cluster.folder().display().to_string();
    let group = format!("/{}", cluster.context());
    let own = fs::read_link("/proc/self/ns/mnt").ok();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|id| *id != std::process::id())
        .filter_map(|id| {
            let arguments = read(&format!("/proc/{id}/cmdline")).replace('\0', " ");
            let grouped = read(&format!("/proc/{id}/cgroup")).lines().any(|line| is_in_group(line, &group));
            let apart = fs::read_link(format!("/proc/{id}/ns/mnt")).is_ok_and(|mounts| Some(mounts) != own);
            let inside = || contains(&arguments, &folder) || contains(&read(&format!("/proc/{id}/mountinfo")), &folder);
            (grouped || (apart && inside())).then(|| format!("process {id}: {arguments}"))
        })
        .collect()
}

fn lines_with(kind: &str, text: &str, needles: &[&str]) -> Vec<String> {
    text.lines()
        .filter(|line| needles.iter().any(|needle| contains(line, needle)))
        .map(|line| format!("{kind} {}", line.trim()))
        .collect()
}

/// Whether a line of `/proc/ID/cgroup` names the group or one below it.
fn is_in_group(line: &str, group: &str) -> bool {
    line.splitn(3, ':')
        .nth(2)
        .and_then(|path| path.strip_prefix(group))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the text has the needle where a word, path or address begins.
fn contains(text: &str, needle: &str) -> bool {
    text.match_indices(needle).any(|(place, _)| {
        let before = text[..place].chars().next_back();
        before.is_none_or(|character| !character.is_alphanumeric() && !"._-".contains(character))
    })
}

fn read(path: &str) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Empty where the program is missing: then there is nothing of its kind either.
fn output(program: &str, arguments: &[&str]) -> String {
    command::read(command::new(program).args(arguments)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    #[test]
    fn takes_no_other_address_or_group_for_its_own() {
        assert!(contains("-A KUBE -d 10.96.0.1/32", "10.96."));
        assert!(contains("10.96.0.0/16 dev rt-dev", "10.96."));
        assert!(!contains("-d 110.96.0.1/32 -s 1.10.96.2", "10.96."));
        assert!(is_in_group("4:memory:/realtime-dev/kubepods/x", "/realtime-dev"));
        assert!(is_in_group("0::/realtime-dev", "/realtime-dev"));
        assert!(!is_in_group("0::/user.slice/realtime-dev", "/realtime-dev"));
        assert!(!is_in_group("0::/realtime-develop", "/realtime-dev"));
    }

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
