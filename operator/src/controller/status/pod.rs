//! What keeps a pod from serving, in its own words.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

/// Why a pod does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// One word.
    pub reason: String,
    /// Which pod, what is wrong, what to look at.
    pub message: String,
}

/// What keeps the pod from serving, or `None` when it serves.
pub fn problem(pod: &Pod) -> Option<Problem> {
    let name = pod.name_any();
    if pod.metadata.deletion_timestamp.is_some() {
        return Some(Problem { reason: "Terminating".to_owned(), message: format!("pod {name} is being terminated") });
    }
    unschedulable(pod, &name).or_else(|| container_problem(pod, &name)).or_else(|| not_ready(pod, &name))
}

/// Whether the pod has ended for good.
pub fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Failed" | "Succeeded"))
}

fn condition<'a>(pod: &'a Pod, condition_type: &str) -> Option<&'a k8s_openapi::api::core::v1::PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == condition_type)
}

fn unschedulable(pod: &Pod, name: &str) -> Option<Problem> {
    let scheduled = condition(pod, "PodScheduled").filter(|condition| condition.status == "False")?;
    let why = scheduled.message.clone().unwrap_or_else(|| "no node fits".to_owned());
    Some(Problem { reason: "Unschedulable".to_owned(), message: format!("pod {name} cannot be scheduled: {why}") })
}

fn container_problem(pod: &Pod, name: &str) -> Option<Problem> {
    let status = pod.status.as_ref()?;
    let containers = status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten());
    containers.filter(|container| !container.ready).find_map(|container| waiting(container, name))
}

fn waiting(container: &ContainerStatus, pod: &str) -> Option<Problem> {
    let state = container.state.as_ref()?;
    if let Some(terminated) = &state.terminated {
        let reason = terminated.reason.clone().unwrap_or_else(|| "Terminated".to_owned());
        let message =
            format!("pod {pod}: container {} ended: {reason}, exit code {}", container.name, terminated.exit_code);
        return Some(Problem { reason, message });
    }
    let waiting = state.waiting.as_ref()?;
    let reason = waiting.reason.clone().unwrap_or_else(|| "Waiting".to_owned());
    let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let message = match (last, &waiting.message) {
        (Some(last), _) => format!(
            "pod {pod}: container {} waits: {reason}, it ended with exit code {}; see kubectl logs {pod} --previous",
            container.name, last.exit_code
        ),
        (None, Some(why)) => format!("pod {pod}: container {} waits: {reason}: {why}", container.name),
        (None, None) => format!("pod {pod}: container {} waits: {reason}", container.name),
    };
    Some(Problem { reason, message })
}

fn not_ready(pod: &Pod, name: &str) -> Option<Problem> {
    let ready = condition(pod, "Ready").is_some_and(|condition| condition.status == "True");
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    (!ready).then(|| Problem { reason: "NotReady".to_owned(), message: format!("pod {name} is {phase} but not ready") })
}
