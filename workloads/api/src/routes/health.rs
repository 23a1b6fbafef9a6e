//! `GET /api/health`: the state of each dependency.

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use realtime_chassis::dependencies::Dependency;
use realtime_contract::time::milliseconds;
use serde_json::{Map, Value, json};

use crate::state::ApiState;

/// 200 with `healthy`, or with `degraded` when requests are still taken; 503 with `unhealthy` when they are not.
pub(crate) async fn health(State(state): State<ApiState>) -> (StatusCode, Json<Value>) {
    let dependencies = state.board.snapshot().dependencies;
    let (status, name) = verdict(&dependencies);
    let services: Map<String, Value> = dependencies.iter().map(service).collect();
    let body = json!({ "status": name, "timestamp": milliseconds(Timestamp::now()), "services": services });
    (status, Json(body))
}

/// Without Postgres nothing can be accepted; without Kafka or Redis it can, and arrives later.
fn verdict(dependencies: &[Dependency]) -> (StatusCode, &'static str) {
    let away: Vec<&str> = dependencies
        .iter()
        .filter(|dependency| !dependency.state.is_ready())
        .map(|dependency| dependency.name)
        .collect();
    if away.contains(&"postgres") {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    } else if away.is_empty() {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::OK, "degraded")
    }
}

fn service(dependency: &Dependency) -> (String, Value) {
    let status = if dependency.state.is_ready() { "healthy" } else { "unhealthy" };
    (dependency.name.to_owned(), json!({ "status": status, "message": dependency.state.message() }))
}

#[cfg(test)]
mod tests {
    use realtime_contract::readiness::DependencyState::{self, Ready, Unreachable};

    use super::*;

    fn verdict_of(states: [DependencyState; 3]) -> (u16, &'static str) {
        let names = ["postgres", "kafka", "redis"];
        let dependencies: Vec<Dependency> =
            names.into_iter().zip(states).map(|(name, state)| Dependency { name, state, answered: true }).collect();
        let (status, name) = verdict(&dependencies);
        (status.as_u16(), name)
    }

    #[test]
    fn only_postgres_makes_it_unhealthy() {
        assert_eq!(verdict_of([Ready, Ready, Ready]), (200, "healthy"));
        assert_eq!(verdict_of([Ready, Unreachable, Unreachable]), (200, "degraded"));
        assert_eq!(verdict_of([Unreachable, Ready, Ready]), (503, "unhealthy"));
    }
}
