//! The admission policy that holds a pod to its own entry of `status.instances`, generated from the resource's schema: every other
//! field of the status is compared, also one that is added later.

use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy, ValidatingAdmissionPolicySpec,
    Validation, Variable,
};
use kube::Resource;
use kube::api::ObjectMeta;
use realtime_crds::RealtimeStack;

/// Stands for the operator's own user in the generated policy; the chart puts the name of its service account there.
pub const OPERATOR: &str = "@OPERATOR@";

/// Name of the policy.
pub const NAME: &str = "realtimestack-readiness-report";

/// The policy for service accounts of a stack's namespace, the operator's excepted.
pub fn policy() -> ValidatingAdmissionPolicy {
    ValidatingAdmissionPolicy {
        metadata: ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
        spec: Some(ValidatingAdmissionPolicySpec {
            failure_policy: Some("Fail".to_owned()),
            match_constraints: Some(MatchResources {
                resource_rules: Some(vec![NamedRuleWithOperations {
                    api_groups: Some(vec![RealtimeStack::group(&()).into_owned()]),
                    api_versions: Some(vec!["*".to_owned()]),
                    operations: Some(vec!["UPDATE".to_owned()]),
                    resources: Some(vec![format!("{}/status", RealtimeStack::plural(&()))]),
                    ..NamedRuleWithOperations::default()
                }]),
                ..MatchResources::default()
            }),
            match_conditions: Some(vec![MatchCondition {
                name: "service-account-of-the-namespace".to_owned(),
                expression: format!(
                    "('system:serviceaccounts:' + request.namespace) in request.userInfo.groups && request.userInfo.username != '{OPERATOR}'"
                ),
            }]),
            variables: Some(variables()),
            validations: Some(validations()),
            ..ValidatingAdmissionPolicySpec::default()
        }),
        ..ValidatingAdmissionPolicy::default()
    }
}

fn variables() -> Vec<Variable> {
    let others = |object: &str| {
        format!(
            "has({object}.status) && has({object}.status.instances) ? {object}.status.instances.filter(instance, instance.pod != variables.pod) : []"
        )
    };
    let pod = "has(request.userInfo.extra) && 'authentication.kubernetes.io/pod-name' in request.userInfo.extra ? request.userInfo.extra['authentication.kubernetes.io/pod-name'][0] : ''";
    [("pod", pod.to_owned()), ("others", others("object")), ("othersBefore", others("oldObject"))]
        .map(|(name, expression)| Variable { name: name.to_owned(), expression })
        .to_vec()
}

fn validations() -> Vec<Validation> {
    let own = [
        validation("variables.pod != ''", "the readiness report is written with a token that is bound to a pod"),
        validation("variables.others == variables.othersBefore", "a pod writes its own entry of status.instances only"),
    ];
    let fields = status_fields().into_iter().filter(|field| field != "instances");
    own.into_iter().chain(fields.map(|field| unchanged(&field))).chain([field_manager()]).collect()
}

/// The operator removes the entry of a pod that is gone under the pod's name, so it has to be applied under it.
fn field_manager() -> Validation {
    validation(
        "has(request.options) && has(request.options.fieldManager) && request.options.fieldManager == variables.pod",
        "a pod applies its entry of status.instances with its own name as field manager",
    )
}

fn unchanged(field: &str) -> Validation {
    let has = |object: &str| format!("(has({object}.status) && has({object}.status.{field}))");
    let (now, before) = (has("object"), has("oldObject"));
    validation(
        &format!("{now} == {before} && (!{now} || object.status.{field} == oldObject.status.{field})"),
        &format!("a pod writes its own entry of status.instances only, not status.{field}"),
    )
}

fn validation(expression: &str, message: &str) -> Validation {
    Validation { expression: expression.to_owned(), message: Some(message.to_owned()), ..Validation::default() }
}

/// The status' fields as the definition has them.
fn status_fields() -> Vec<String> {
    let definition = realtime_crds::definition();
    let schema = definition.spec.versions.into_iter().next().and_then(|version| version.schema?.open_api_v3_schema);
    let status = schema.and_then(|mut schema| schema.properties.as_mut()?.remove("status"));
    status.and_then(|status| status.properties).map(|fields| fields.into_keys().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_but_the_instances_is_compared() {
        let messages: String = validations().into_iter().filter_map(|it| it.message).collect();
        for field in ["observedGeneration", "version", "conditions", "components", "endpoints"] {
            assert!(messages.contains(&format!("not status.{field}")), "{field}");
        }
        assert!(!messages.contains("not status.instances"));
    }
}
