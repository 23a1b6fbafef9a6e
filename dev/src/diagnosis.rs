//! What somebody who was not there needs to know about a failure on a cluster.

use crate::chart;
use crate::kubectl::Kubectl;

/// Prints stacks, pods that do not run, recent events and the operator's last lines.
pub(crate) fn print(kubectl: &Kubectl) {
    let operator = format!("deployment/{}", chart::RELEASE);
    let sections: [(&str, Vec<&str>); 5] = [
        ("stacks", vec!["get", "realtimestacks", "--all-namespaces", "--output=wide"]),
        (
            "what the stacks say",
            vec![
                "get",
                "realtimestacks",
                "--all-namespaces",
                "--output=jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}: {.status}{'\\n'}{end}",
            ],
        ),
        ("pods", vec!["get", "pods", "--all-namespaces", "--output=wide"]),
        ("events", vec!["get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"]),
        ("operator", vec!["logs", "--namespace", chart::NAMESPACE, &operator, "--tail=40"]),
    ];
    for (title, arguments) in sections {
        let text = kubectl.read(&arguments).unwrap_or_else(|error| format!("{error:#}"));
        let lines: Vec<&str> = text.lines().collect();
        eprintln!("--- {title}\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
    }
}
