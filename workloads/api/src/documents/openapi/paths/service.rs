use serde_json::{Value, json};

use super::super::operation::{Operation, shape};
use super::{Described, described};
use crate::documents::{ASYNCAPI_PATH, OPENAPI_PATH, PAGE_PATH};

const TAG: &str = "service";
/// Who may look at what all do.
const WHOLE: &str = "A token needs `*` in `channels`.";

pub(super) fn all() -> Vec<Described> {
    described([
        ("/", "get", information()),
        ("/api/health", "get", health()),
        ("/api/stack", "get", stack()),
        ("/api/figures", "get", figures()),
        ("/api/cache-test", "get", cache_test()),
        ("/metrics", "get", metrics()),
        (OPENAPI_PATH, "get", document("getOpenApi", "This document")),
        (ASYNCAPI_PATH, "get", document("getAsyncApi", "What is streamed, as an AsyncAPI document")),
        (PAGE_PATH, "get", page()),
    ])
}

fn information() -> Operation {
    let example =
        json!({"name": "realtime-api", "version": env!("CARGO_PKG_VERSION"), "endpoints": {"health": "/api/health"}});
    let content = json!({
        "application/json": {"schema": shape("Information"), "example": example},
        "text/html": {"schema": {"type": "string"}},
    });
    Operation::open(TAG, "getInformation", "What this is").answer(200, "JSON, or the console for a browser", content)
}

fn health() -> Operation {
    let example = |status: &str, postgres: &str, message: &str| {
        let ready = json!({"status": "healthy", "message": "answers"});
        let services = json!({"postgres": {"status": postgres, "message": message}, "kafka": ready, "redis": ready});
        json!({"status": status, "timestamp": "2026-11-21T07:46:44.753Z", "services": services})
    };
    Operation::open(TAG, "getHealth", "How the API and its backends are")
        .json(200, "It serves, if `degraded` then later", shape("Health"), example("healthy", "healthy", "answers"))
        .json(
            503,
            "It cannot serve without Postgres",
            shape("Health"),
            example("unhealthy", "unhealthy", "nothing answers at its address"),
        )
}

fn stack() -> Operation {
    let component = json!({"name": "api", "state": "Available", "ready": 2, "desired": 2, "version": "0.1.0"});
    let example = json!({"name": "demo", "namespace": "rt", "ready": true, "message": "all components are available", "components": [component]});
    Operation::guarded(TAG, "getStack", "The stack as its resource's status says")
        .about(WHOLE)
        .json(200, "Its components", shape("Stack"), example)
        .problems(&[403, 404])
}

fn figures() -> Operation {
    let instance = json!({
        "instance": "demo-api-5d8c9b6f4-x2x7k", "component": "api", "connections": {"sse": 2, "websocket": 3, "polling": 0},
        "delivered": 1200, "published": 400, "closed": {"gone": 7}, "resumed": {"live": 9}, "uptimeSeconds": 3600,
    });
    let example = json!({"timestamp": "2026-11-21T07:46:44.753Z", "complete": true, "instances": [instance]});
    Operation::guarded(TAG, "getFigures", "What the instances do")
        .about(WHOLE)
        .json(200, "Counters since the start of each", shape("Figures"), example)
        .problems(&[403])
}

fn cache_test() -> Operation {
    Operation::guarded(TAG, "countInCache", "Add one to a counter in Redis")
        .about(WHOLE)
        .json(200, "The counter", shape("Counter"), json!({"message": "Redis answers", "counter": 1}))
        .problems(&[403])
}

fn metrics() -> Operation {
    Operation::open(TAG, "getMetrics", "Metrics for Prometheus")
        .answer(200, "Text", json!({"text/plain": {"schema": {"type": "string"}}}))
        .empty(500, "They cannot be written")
}

fn document(id: &str, summary: &str) -> Operation {
    Operation::open(TAG, id, summary).answer(
        200,
        "The document",
        json!({"application/json": {"schema": {"type": "object"}}}),
    )
}

fn page() -> Operation {
    let content: Value = json!({"text/html": {"schema": {"type": "string"}}});
    Operation::open(TAG, "getPage", "Both documents as a page").answer(200, "The page", content)
}
