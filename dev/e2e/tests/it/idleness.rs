//! An idle stack writes nothing.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{ObjectMeta, PostParams};
use realtime_e2e::audit::{self, Write};
use realtime_e2e::cluster::{OPERATOR, OPERATOR_NAMESPACE};
use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::{Stack, environment, eventually};

/// A stack counts as settled when nothing was written for this long.
const QUIET: Duration = Duration::from_secs(5);

/// Whether it is a write about the stack, by the operator or one of its workloads. Other tests run beside this one on stacks in other
/// namespaces, for which the operator writes there.
fn is_ours(write: &Write, stack: &Stack) -> bool {
    let operator = format!("system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR}");
    let workloads = format!("system:serviceaccount:{}:", stack.namespace);
    let elsewhere = !write.namespace.is_empty() && write.namespace != stack.namespace;
    write.user.starts_with(&workloads) || (write.user == operator && !elsewhere)
}

fn ours(place: audit::Place, stack: &Stack) -> Vec<Write> {
    audit::writes_since(place).into_iter().filter(|write| is_ours(write, stack)).collect()
}

#[tokio::test]
async fn an_idle_stack_writes_nothing() {
    REPLICATED
        .change(async |stack| {
            let earlier = ours(audit::beginning(), stack);
            assert!(earlier.iter().any(|write| write.user.ends_with(OPERATOR)), "the log shows the operator's writes");
            assert!(earlier.iter().any(|write| write.user.ends_with("demo-api")), "the log shows the pods' reports");
            stack.delivers("before the silence", Duration::from_secs(10)).await;
            eventually("the stack has settled", Duration::from_secs(90), async || {
                let place = audit::end();
                tokio::time::sleep(QUIET).await;
                let writes = ours(place, stack);
                if writes.is_empty() { Ok(()) } else { Err(format!("{writes:?}")) }
            })
            .await;

            let place = audit::end();
            // The length of the silence is what is measured.
            tokio::time::sleep(Duration::from_secs(environment::number(environment::IDLE_SECONDS, 45).into())).await;
            leave_mark(stack, place).await;
            let writes = ours(place, stack);
            assert!(writes.is_empty(), "{} writes: {writes:#?}", writes.len());
            stack.ready(Duration::from_secs(5)).await;
        })
        .await;
}

/// Shows that the log was being written all along: a write of our own comes up in it.
async fn leave_mark(stack: &Stack, place: audit::Place) {
    let metadata = ObjectMeta { generate_name: Some("mark-".to_owned()), ..ObjectMeta::default() };
    let mark = ConfigMap { metadata, ..ConfigMap::default() };
    let mark = stack.objects::<ConfigMap>().create(&PostParams::default(), &mark).await.expect("a mark can be created");
    eventually("the mark is in the audit log", Duration::from_secs(20), async || {
        let is_mark = |write: &Write| write.namespace == stack.namespace && write.resource == "configmaps";
        if audit::writes_since(place).iter().any(is_mark) { Ok(()) } else { Err("it is not".to_owned()) }
    })
    .await;
    stack.delete::<ConfigMap>(&mark.name_any()).await;
}
