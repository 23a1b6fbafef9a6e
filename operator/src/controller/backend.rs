//! What makes Redis, Kafka and Postgres what they are: users, paths, scripts and probes, as data for the builders.
//!
//! A script enforces the Secret's current values each time its backend starts, so a restored or rotated Secret and an old volume
//! always agree. Nothing secret is an argument or stands in a ConfigMap.

pub mod kafka;
pub mod postgres;
pub mod redis;

use realtime_crds::{ManagedBackend, ResourceAmounts, Resources};

/// Which stack a backend belongs to, and where its image comes from.
pub struct Place<'a> {
    /// Name of the stack.
    pub stack: &'a str,
    /// Namespace of the stack.
    pub namespace: &'a str,
    /// Full reference of the image.
    pub image: &'a str,
}

fn size_or(settings: &ManagedBackend, default: &str) -> String {
    settings.storage.as_ref().and_then(|storage| storage.size.clone()).unwrap_or_else(|| default.to_owned())
}

fn class(settings: &ManagedBackend) -> Option<String> {
    settings.storage.as_ref().and_then(|storage| storage.class.clone())
}

/// The user's amounts, and the defaults where the user gave none. A limit below a default request lowers that request.
pub(crate) fn resources_or(asked: Option<&Resources>, requests: (&str, &str), memory_limit: &str) -> Resources {
    let asked = asked.cloned().unwrap_or_default();
    let asked_requests = asked.requests.unwrap_or_default();
    let asked_limits = asked.limits.unwrap_or_default();
    let request = |asked: Option<String>, limit: &Option<String>, default: &str| {
        asked.or_else(|| limit.clone()).unwrap_or_else(|| default.to_owned())
    };
    let memory = request(asked_requests.memory.clone(), &asked_limits.memory, requests.1);
    let default_limit = if asked_requests.memory.is_some() { None } else { Some(memory_limit.to_owned()) };
    Resources {
        requests: Some(ResourceAmounts {
            cpu: Some(request(asked_requests.cpu, &asked_limits.cpu, requests.0)),
            memory: Some(memory),
        }),
        limits: Some(ResourceAmounts { cpu: asked_limits.cpu, memory: asked_limits.memory.or(default_limit) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(cpu: Option<&str>, memory: Option<&str>) -> Option<ResourceAmounts> {
        Some(ResourceAmounts { cpu: cpu.map(str::to_owned), memory: memory.map(str::to_owned) })
    }

    #[test]
    fn a_users_limit_alone_is_also_the_request_so_that_no_default_contradicts_it() {
        let asked = Resources { requests: None, limits: amounts(Some("20m"), Some("32Mi")) };
        let resources = resources_or(Some(&asked), ("50m", "64Mi"), "256Mi");
        assert_eq!(resources.requests, amounts(Some("20m"), Some("32Mi")));
        assert_eq!(resources.limits, amounts(Some("20m"), Some("32Mi")));
    }

    #[test]
    fn a_users_request_alone_lifts_the_default_limit() {
        let asked = Resources { requests: amounts(None, Some("2Gi")), limits: None };
        let resources = resources_or(Some(&asked), ("50m", "64Mi"), "256Mi");
        assert_eq!(resources.requests, amounts(Some("50m"), Some("2Gi")));
        assert_eq!(resources.limits, amounts(None, None));
    }
}
