//! The stack that this pod belongs to, as its resource's status says.

use std::time::Duration;

use kube::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout;

use crate::api_server;
use crate::config::ReportConfig;

/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The stack cannot be read.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no stack: the process does not run in a pod of one.
    #[error("failed to find the stack: this process does not belong to one")]
    FindStack,
    /// There is no way to the API server.
    #[error(transparent)]
    ReachApiServer(#[from] api_server::Error),
    /// The API server did not give it.
    #[error("failed to read stack {stack}")]
    ReadStack {
        /// Its name.
        stack: String,
        /// The API server's reason.
        #[source]
        source: kube::Error,
    },
    /// The API server did not answer.
    #[error("failed to hear from the API server within 2 s")]
    AwaitAnswer,
}

/// The stack as its resource's status says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whether its condition `Ready` is true.
    pub ready: bool,
    /// What that condition says.
    pub message: String,
    /// Each part of it.
    pub components: Vec<Component>,
}

/// A part of a stack. States are texts here: another version of the operator may know more of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The component's name.
    pub name: String,
    /// How it is.
    pub state: String,
    /// Instances that are ready.
    pub ready: i32,
    /// Instances that should be.
    pub desired: i32,
    /// Tag of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it is not ready, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it is not ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Reads the stack that the configuration names. A client is made for each read: share what it gives.
///
/// # Errors
/// [`enum@Error`]. It takes 2 s at most.
pub async fn read(config: &ReportConfig) -> Result<Stack, Error> {
    let (Some(stack), Some(namespace)) = (&config.stack, &config.namespace) else { return Err(Error::FindStack) };
    timeout(PATIENCE, read_over(api_server::client()?, stack, namespace)).await.unwrap_or(Err(Error::AwaitAnswer))
}

async fn read_over(client: Client, stack: &str, namespace: &str) -> Result<Stack, Error> {
    let read = api_server::stacks(client, namespace).get(stack).await;
    let object = read.map_err(|source| Error::ReadStack { stack: stack.to_owned(), source })?;
    Ok(summary(stack, namespace, &object.data["status"]))
}

/// What a status says; one that was not written yet says that it is not ready.
fn summary(name: &str, namespace: &str, status: &Value) -> Stack {
    let conditions = status["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    let components = status["components"].as_array().map_or(&[][..], Vec::as_slice);
    Stack {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        ready: ready.is_some_and(|condition| condition["status"] == "True"),
        message: ready.and_then(|condition| condition["message"].as_str()).unwrap_or_default().to_owned(),
        components: components.iter().filter_map(|component| Component::deserialize(component).ok()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{Request, Response, StatusCode};
    use kube::client::Body;
    use serde_json::json;

    use super::*;

    async fn read_answered_with(status: StatusCode, answer: Value) -> (String, Result<Stack, Error>) {
        let (service, mut server) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
        let answered = tokio::spawn(async move {
            let (request, respond) = server.next_request().await.unwrap();
            let body = Body::from(serde_json::to_vec(&answer).unwrap());
            respond.send_response(Response::builder().status(status).body(body).unwrap());
            format!("{} {}", request.method(), request.uri().path())
        });
        let outcome = read_over(Client::new(service, "rt"), "demo", "rt").await;
        (answered.await.unwrap(), outcome)
    }

    #[tokio::test]
    async fn reads_its_own_stack_and_nothing_else() {
        let answer = json!({
            "apiVersion": "realtimestack.io/v1alpha1",
            "kind": "RealtimeStack",
            "metadata": {"name": "demo", "namespace": "rt"},
            "spec": {"of": "another version"},
            "status": {
                "conditions": [{"type": "Degraded", "status": "True"}, {"type": "Ready", "status": "True", "message": "every component is ready"}],
                "components": [{"name": "api", "mode": "Managed", "state": "Ready", "ready": 2, "desired": 2, "version": "0.1.0"}],
            },
        });
        let (request, stack) = read_answered_with(StatusCode::OK, answer).await;
        assert_eq!(request, "GET /apis/realtimestack.io/v1alpha1/namespaces/rt/realtimestacks/demo");
        let expected = json!({
            "name": "demo",
            "namespace": "rt",
            "ready": true,
            "message": "every component is ready",
            "components": [{"name": "api", "state": "Ready", "ready": 2, "desired": 2, "version": "0.1.0"}],
        });
        assert_eq!(serde_json::to_value(stack.unwrap()).unwrap(), expected);
    }

    #[tokio::test]
    async fn a_refusal_names_the_stack() {
        let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "forbidden", "reason": "Forbidden", "code": 403});
        let (_, stack) = read_answered_with(StatusCode::FORBIDDEN, refusal).await;
        assert_eq!(stack.unwrap_err().to_string(), "failed to read stack demo");
    }

    #[test]
    fn a_stack_without_a_status_is_not_ready() {
        let stack = summary("demo", "rt", &Value::Null);
        assert_eq!((stack.ready, stack.message.as_str(), stack.components.len()), (false, "", 0));
    }

    #[test]
    fn a_state_of_another_version_is_passed_on() {
        let status = json!({"components": [{"name": "api", "state": "Napping", "ready": 0, "desired": 1}]});
        assert_eq!(summary("demo", "rt", &status).components[0].state, "Napping");
    }

    #[tokio::test]
    async fn a_process_outside_of_a_stack_is_told_so() {
        assert!(matches!(read(&ReportConfig::default()).await, Err(Error::FindStack)));
    }
}
