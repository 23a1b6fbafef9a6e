//! How the prepare Job is.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;

/// How a Job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It has not ended.
    Running,
    /// It has done its work.
    Complete {
        /// When.
        since: Option<Timestamp>,
    },
    /// It has given up.
    Failed {
        /// Its own reason.
        reason: String,
        /// When.
        since: Option<Timestamp>,
    },
}

/// How that Job is.
pub fn state(job: &Job) -> JobState {
    let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    for condition in conditions.filter(|condition| condition.status == "True") {
        let since = condition.last_transition_time.as_ref().map(|time| time.0);
        match condition.type_.as_str() {
            "Complete" => return JobState::Complete { since },
            "Failed" => {
                let reason = condition.reason.clone().unwrap_or_else(|| "Failed".to_owned());
                return JobState::Failed { reason, since };
            }
            _ => {}
        }
    }
    JobState::Running
}
