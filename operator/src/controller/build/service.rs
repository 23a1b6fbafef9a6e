//! Services.

use k8s_openapi::api::core::v1::{ClientIPConfig, Service, ServicePort, ServiceSpec, SessionAffinityConfig};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use realtime_contract::{Component, ports};

use super::{labels, metadata};
use crate::controller::stack::{ValidatedBackend, ValidatedStack, ValidatedWorkload};

/// The addresses of a backend's pods: headless, also before they are ready, because Kafka has to find itself to become so.
pub fn of_backend(stack: &ValidatedStack, backend: &ValidatedBackend) -> Service {
    let spec = ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        publish_not_ready_addresses: Some(true),
        ports: Some(backend.ports.iter().map(|(name, number)| port(name, *number)).collect()),
        ..ServiceSpec::default()
    };
    service(stack, backend.component, spec)
}

/// The address of a workload.
pub fn of_workload(stack: &ValidatedStack, workload: &ValidatedWorkload) -> Service {
    let ports = workload.http_port.map(|number| port("http", number)).into_iter().chain([port("ops", ports::OPS)]);
    let spec = ServiceSpec {
        type_: Some("ClusterIP".to_owned()),
        session_affinity: Some(if workload.sticky.is_some() { "ClientIP" } else { "None" }.to_owned()),
        session_affinity_config: workload.sticky.map(for_seconds),
        ports: Some(ports.collect()),
        ..ServiceSpec::default()
    };
    service(stack, workload.component, spec)
}

fn for_seconds(seconds: i32) -> SessionAffinityConfig {
    SessionAffinityConfig { client_ip: Some(ClientIPConfig { timeout_seconds: Some(seconds) }) }
}

fn service(stack: &ValidatedStack, component: Component, spec: ServiceSpec) -> Service {
    Service {
        metadata: metadata::owned(stack, stack.object_name(component), labels::of_component(&stack.name, component)),
        spec: Some(ServiceSpec { selector: Some(labels::selector(&stack.name, component.name())), ..spec }),
        ..Service::default()
    }
}

fn port(name: &str, number: u16) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port: i32::from(number),
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(name.to_owned())),
        ..ServicePort::default()
    }
}
