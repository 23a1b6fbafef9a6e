//! What somebody who was not there needs to know about a failure.

use crate::cluster::{OPERATOR, OPERATOR_NAMESPACE};
use crate::kubectl;
use crate::stack::Stack;

/// Prints what the stack says, its pods and events, and the last lines of operator and workloads.
pub async fn print(stack: &Stack) {
    let (namespace, instance) = (stack.namespace.as_str(), format!("app.kubernetes.io/instance={}", stack.name));
    let operator = format!("deployment/{OPERATOR}");
    let logs = ["logs", "--namespace", namespace, "--selector", &instance, "--all-containers", "--prefix", "--tail=15"];
    let sections: [(&str, &[&str], usize); 6] = [
        ("stack", &["get", "realtimestacks", "--namespace", namespace, "--output=yaml"], 150),
        ("objects", &["get", "all,pvc", "--namespace", namespace, "--output=wide"], 60),
        ("events", &["get", "events", "--namespace", namespace, "--sort-by=.lastTimestamp"], 40),
        ("logs of the stack", &logs, 120),
        ("operator", &["logs", "--namespace", OPERATOR_NAMESPACE, &operator, "--tail=60"], 60),
        ("operator's pods", &["get", "pods", "--namespace", OPERATOR_NAMESPACE, "--output=wide"], 10),
    ];
    eprintln!("=== diagnosis of stack {namespace}/{}", stack.name);
    for (title, arguments, limit) in sections {
        let output = kubectl::attempt(arguments, "").await;
        let lines: Vec<&str> = output.stdout.lines().chain(output.stderr.lines()).collect();
        eprintln!("--- {title}\n{}", lines[lines.len().saturating_sub(limit)..].join("\n"));
    }
}
