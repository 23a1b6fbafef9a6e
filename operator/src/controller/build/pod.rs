//! What every pod of a stack has: the restricted profile, variables, resources, probes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, ContainerPort, EnvVar, EnvVarSource, ExecAction, HTTPGetAction,
    LocalObjectReference, ObjectFieldSelector, PodSecurityContext, PodSpec, Probe, ResourceRequirements,
    SeccompProfile, SecretKeySelector, SecurityContext, TCPSocketAction, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use realtime_contract::{Component, environment};
use realtime_crds::{ResourceAmounts, Resources};

use crate::controller::stack::{CONFIGURATION_PATH, Environment, ValidatedStack, Value, credentials_name};
use crate::hash::short_hash;

/// User and group of our own images.
pub const NON_ROOT: i64 = 65532;

/// A pod of the stack with nothing in it yet: restricted, without a token, without the variables of Services.
pub fn base(stack: &ValidatedStack, user: i64) -> PodSpec {
    let pull_secrets = stack.pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() });
    PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: Some(pull_secrets.collect()),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(user),
            run_as_group: Some(user),
            fs_group: Some(user),
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), ..SeccompProfile::default() }),
            ..PodSecurityContext::default()
        }),
        ..PodSpec::default()
    }
}

/// A container that can gain nothing.
pub fn restricted() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), ..Capabilities::default() }),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    }
}

/// The variables of a container.
pub fn variables(stack: &ValidatedStack, environment: &Environment) -> Vec<EnvVar> {
    let namespace = (environment::NAMESPACE.to_owned(), Value::Literal(stack.namespace.clone()));
    let mut environment = environment.clone();
    if environment.contains_key(environment::POD) {
        environment.extend([namespace]);
    }
    environment.into_iter().map(|(name, value)| variable(stack, name, value)).collect()
}

fn variable(stack: &ValidatedStack, name: String, value: Value) -> EnvVar {
    let from = |source| EnvVar { name: name.clone(), value_from: Some(source), ..EnvVar::default() };
    let from_secret = |secret, key: &str| {
        from(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector { name: secret, key: key.to_owned(), optional: None }),
            ..EnvVarSource::default()
        })
    };
    match value {
        Value::Literal(text) => EnvVar { name, value: Some(text), ..EnvVar::default() },
        Value::Credential(key) => from_secret(credentials_name(&stack.name), key.name()),
        Value::Secret { name: secret, key, .. } => from_secret(secret, key),
        Value::PodName => from(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                api_version: Some("v1".to_owned()),
                field_path: "metadata.name".to_owned(),
            }),
            ..EnvVarSource::default()
        }),
    }
}

/// Hash of what a container reads beside its template: Secrets and mounted files.
pub fn content_hash(stack: &ValidatedStack, environment: &Environment, files: &BTreeMap<String, String>) -> String {
    let mut content = String::new();
    for value in environment.values() {
        let hash = match value {
            Value::Credential(key) => stack.credentials.get(key).map_or("", String::as_str),
            Value::Secret { hash, .. } => hash,
            Value::Literal(_) | Value::PodName => continue,
        };
        content.push_str(hash);
        content.push('\n');
    }
    for (name, text) in files {
        content.push_str(&format!("{name}\n{text}\n"));
    }
    short_hash(content.as_bytes())
}

/// Name of the volume with the files of a component.
const CONFIGURATION: &str = "configuration";

/// The volume with the files of a component's ConfigMap.
pub fn files(stack: &ValidatedStack, component: Component) -> Volume {
    Volume {
        name: CONFIGURATION.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: stack.object_name(component),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Where a container finds them.
pub fn files_mount() -> VolumeMount {
    VolumeMount {
        name: CONFIGURATION.to_owned(),
        mount_path: CONFIGURATION_PATH.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    }
}

/// Requests and limits in Kubernetes' words.
pub fn requirements(resources: &Resources) -> ResourceRequirements {
    let amounts = |amounts: Option<&ResourceAmounts>| {
        let amounts = amounts?;
        let named = [("cpu", &amounts.cpu), ("memory", &amounts.memory)];
        let set = named.into_iter().filter_map(|(name, amount)| Some((name.to_owned(), Quantity(amount.clone()?))));
        Some(set.collect::<BTreeMap<_, _>>())
    };
    ResourceRequirements {
        requests: amounts(resources.requests.as_ref()),
        limits: amounts(resources.limits.as_ref()),
        ..ResourceRequirements::default()
    }
}

/// Ports of a container.
pub fn container_ports<'a>(ports: impl IntoIterator<Item = (&'a str, u16)>) -> Vec<ContainerPort> {
    ports
        .into_iter()
        .map(|(name, number)| ContainerPort {
            name: Some(name.to_owned()),
            container_port: i32::from(number),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        })
        .collect()
}

/// A probe by HTTP on the ops port.
pub fn http_probe(path: &str) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("ops".to_owned()),
            scheme: Some("HTTP".to_owned()),
            ..HTTPGetAction::default()
        }),
        ..Probe::default()
    }
}

/// A probe that only connects.
pub fn port_probe(port: u16) -> Probe {
    Probe {
        tcp_socket: Some(TCPSocketAction { port: IntOrString::Int(i32::from(port)), host: None }),
        ..Probe::default()
    }
}

/// A probe by a command.
pub fn command_probe(command: Vec<String>) -> Probe {
    Probe { exec: Some(ExecAction { command: Some(command) }), ..Probe::default() }
}

/// How often a probe runs, how many failures count, and how long one may take.
pub fn every(seconds: i32, failures: i32, probe: Probe) -> Probe {
    Probe {
        period_seconds: Some(seconds),
        failure_threshold: Some(failures),
        success_threshold: Some(1),
        timeout_seconds: Some(5),
        ..probe
    }
}
