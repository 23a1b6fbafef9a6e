//! The stack of `examples/quickstart.yaml`.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::kubectl::Kubectl;
use crate::progress::Progress;
use crate::{command, repository, wait};

/// Its namespace.
pub(crate) const NAMESPACE: &str = "rt";

/// Its name.
pub(crate) const STACK: &str = "demo";

/// The file in the checkout.
pub(crate) const FILE: &str = "examples/quickstart.yaml";

const LIMIT: Duration = Duration::from_secs(300);

/// Applies the file.
pub(crate) fn apply(kubectl: &Kubectl) -> Result<()> {
    let mut apply = kubectl.command();
    apply.args(["apply", "--server-side", "--filename"]).arg(repository::root().join(FILE));
    command::read(&mut apply).map(drop)
}

/// Waits until the stack is ready as it was last specified, and says what is still missing.
pub(crate) fn wait_until_ready(kubectl: &Kubectl, progress: &Progress) -> Result<()> {
    let mut said = String::new();
    wait::until(LIMIT, "a ready stack", || {
        let stack = kubectl.get(&["--namespace", NAMESPACE, "realtimestacks", STACK])?;
        if is_ready(&stack) {
            return Ok(Some(()));
        }
        let missing = missing(&stack);
        if !missing.is_empty() && missing != said {
            progress.line(&missing);
            said = missing;
        }
        Ok(None)
    })
    .with_context(|| format!("the stack {NAMESPACE}/{STACK} is not ready; its status says: {said}"))
}

fn ready_condition(stack: &Value) -> Option<&Value> {
    let conditions = stack["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == "Ready")
}

fn is_ready(stack: &Value) -> bool {
    let generation = &stack["metadata"]["generation"];
    ready_condition(stack)
        .is_some_and(|condition| condition["status"] == "True" && condition["observedGeneration"] == *generation)
}

/// What is missing, in the operator's own words.
fn missing(stack: &Value) -> String {
    let message = ready_condition(stack).and_then(|condition| condition["message"].as_str());
    message.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stack(observed: i64) -> Value {
        json!({
            "metadata": {"generation": 2},
            "status": {
                "conditions": [
                    {"type": "Reconciled", "status": "True", "message": "every object is applied"},
                    {"type": "Ready", "status": "True", "observedGeneration": observed, "message": "kafka 0/1: why"},
                ],
            },
        })
    }

    #[test]
    fn is_ready_only_for_the_current_generation() {
        assert!(is_ready(&stack(2)));
        assert!(!is_ready(&stack(1)));
        assert!(!is_ready(&json!({"metadata": {"generation": 1}})));
    }

    #[test]
    fn names_what_is_missing_and_why() {
        assert_eq!(missing(&stack(2)), "kafka 0/1: why");
        assert_eq!(missing(&json!({})), "");
    }
}
