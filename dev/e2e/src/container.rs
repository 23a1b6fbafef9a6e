//! The processes of pods, as the machine that they run on sees them.

use std::fs;
use std::process::Command;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

/// Ends the processes with that name in a pod at once and without a word, as a lack of memory would.
///
/// # Panics
/// When there is none, or it cannot be ended.
pub fn kill(pod: &Pod, name: &str) {
    let uid = pod.uid().unwrap_or_else(|| panic!("pod {} has no unique id", pod.name_any()));
    let found = processes(&uid, name);
    assert!(!found.is_empty(), "no process {name} in pod {}", pod.name_any());
    for process in &found {
        let ended = Command::new("kill").args(["-KILL", process]).status();
        // One that has ended with another one of them is none.
        assert!(
            ended.as_ref().is_ok_and(std::process::ExitStatus::success) || !processes(&uid, name).contains(process),
            "failed to end {name} {process}: {ended:?}"
        );
    }
}

/// Ids of the processes in a folder of the pod that have that name, of which the kernel keeps 15 bytes.
fn processes(uid: &str, name: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap_or_else(|error| panic!("failed to list processes: {error}"));
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let name = &name[..name.len().min(15)];
    let ours = |id: &String| {
        // A process that ends meanwhile is none of them.
        let read = |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
        read("comm").trim_end() == name && read("cgroup").contains(&format!("pod{uid}"))
    };
    ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit())).filter(ours).collect()
}

/// Whether a process with that name runs in a pod.
///
/// # Panics
/// When processes cannot be listed.
pub fn runs(pod: &Pod, name: &str) -> bool {
    pod.uid().is_some_and(|uid| !processes(&uid, name).is_empty())
}
