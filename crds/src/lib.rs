//! `RealtimeStack`: the user's language. Spec, status and the rules that the API server holds a spec to.
//!
//! Everything is optional: `spec: {}` is a working development stack. Defaults are resolved by the operator and never written into the
//! spec by the schema, so what a user applied is what the user reads back. A union is an enum tagged by its key.
//!
//! `realtimestack.yaml` beside this crate is generated from these types by `cargo xtask generate`; a test fails when it drifts.

#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct with rules inside a function, where its pub is unreachable"
)]

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSONSchemaProps};
use kube::CustomResourceExt;

mod api;
mod backend;
mod clients;
mod condition;
mod notifications;
mod null;
mod schema;
mod security;
mod spec;
mod status;
mod workload;

pub use api::{ApiConfig, Delay, Demo};
pub use backend::{Backend, ManagedBackend, Storage};
pub use clients::{ClientSettings, ConnectionLimits, Rate, RateLimits, Ring};
pub use condition::{ConditionType, Conditions};
pub use notifications::NotificationsConfig;
pub use schema::EventSchema;
pub use security::{Auth, Jwt, Nothing, RemoteKeys, SecretKey, Security, TokenKey};
pub use spec::{
    DeletionPolicy, Image, Operation, PullPolicy, RealtimeStack, RealtimeStackSpec, Reconciliation, RunState, Topic,
    VolumePolicy,
};
pub use status::{
    ComponentMode, ComponentState, ComponentStatus, DependencyStatus, Endpoints, InstanceStatus, RealtimeStackStatus,
};
pub use workload::{
    Api, Consumer, ConsumerConfig, EnvironmentVariable, FixedScaling, LogLevel, Notifications, ResourceAmounts,
    Resources, Scaling, Workload,
};

/// The longest name of a stack, so that every object's name and label stays within Kubernetes' 63 characters.
pub const MAXIMUM_NAME_LENGTH: usize = 38;

/// The definition of the resource, as it stands in `crds/realtimestack.yaml` and in the chart.
pub fn definition() -> CustomResourceDefinition {
    let mut definition = RealtimeStack::crd();
    let schemas = definition.spec.versions.iter_mut().filter_map(|version| version.schema.as_mut());
    for schema in schemas.filter_map(|schema| schema.open_api_v3_schema.as_mut()) {
        if let Some(spec) = property(schema, "spec") {
            null::tolerate(spec);
        }
    }
    definition
}

fn property<'a>(schema: &'a mut JSONSchemaProps, name: &str) -> Option<&'a mut JSONSchemaProps> {
    schema.properties.as_mut()?.get_mut(name)
}
