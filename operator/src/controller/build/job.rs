//! The prepare Job: schema and topics, before workloads of this version start.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use kube::api::ObjectMeta;

use super::{labels, metadata, pod};
use crate::controller::stack::{ValidatedStack, Value};
use crate::hash::short_hash;

/// The label value of the prepare step's pods.
pub const COMPONENT: &str = "prepare";

/// The Job's name says what it does: the image brings the migrations, the variables bring the topics. Credentials are not part of
/// it, since other ones change neither schema nor topics.
pub fn name(stack: &ValidatedStack) -> String {
    let variables = stack.prepare.environment.iter().filter_map(|(name, value)| match value {
        Value::Literal(text) => Some(format!("{name}={text}\n")),
        Value::Credential(_) | Value::Secret { .. } | Value::PodName => None,
    });
    let content = format!("{}\n{}", stack.prepare.image, variables.collect::<String>());
    format!("{}-prepare-{}", stack.name, &short_hash(content.as_bytes())[..10])
}

/// The prepare step. It has no time to live: its completion is the fact that workloads wait for.
pub fn prepare(stack: &ValidatedStack) -> Job {
    Job {
        metadata: metadata::owned(stack, name(stack), labels::of_stack(&stack.name)),
        spec: Some(JobSpec {
            backoff_limit: Some(3),
            active_deadline_seconds: Some(900),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels::selector(&stack.name, COMPONENT)),
                    ..ObjectMeta::default()
                }),
                spec: Some(PodSpec {
                    // Failed pods stay for their logs.
                    restart_policy: Some("Never".to_owned()),
                    containers: vec![container(stack)],
                    ..pod::base(stack, pod::NON_ROOT)
                }),
            },
            ..JobSpec::default()
        }),
        ..Job::default()
    }
}

fn container(stack: &ValidatedStack) -> Container {
    let environment: BTreeMap<_, _> = stack.prepare.environment.clone();
    Container {
        name: COMPONENT.to_owned(),
        image: Some(stack.prepare.image.clone()),
        image_pull_policy: Some(stack.pull_policy.name().to_owned()),
        args: Some(vec!["prepare".to_owned()]),
        env: Some(pod::variables(stack, &environment)),
        resources: Some(pod::requirements(&stack.prepare.resources)),
        security_context: Some(pod::restricted()),
        ..Container::default()
    }
}
