//! Stacks that several tests share, because one takes about a minute to start, and stacks of a single test.
//!
//! A test states what it does to a shared stack: it only looks and posts ([`Shared::look`]) or it takes things away ([`Shared::change`]). Either
//! begins with the stack Ready under its own spec, whatever the test before has left.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, RwLock};

use crate::cluster::Cluster;
use crate::diagnosis;
use crate::stack::{START_LIMIT, Stack};

/// Held for reading by each test that needs the operator to stay, for writing by a test that kills it.
static OPERATOR_STAYS: RwLock<()> = RwLock::const_new(());

/// The name of every stack: only the namespace tells two of them apart.
pub const NAME: &str = "demo";

/// Two replicas of API and notifications. Its backends ask for little, so that three stacks fit on two processors.
pub static REPLICATED: Shared = Shared {
    prefix: "replicated",
    spec: || {
        let twice = json!({"scaling": {"fixed": {"replicas": 2}}});
        let little = json!({"managed": {"resources": {"requests": {"cpu": "25m"}}}});
        json!({"api": twice, "notifications": twice, "redis": little, "kafka": little, "postgres": little})
    },
    namespace: OnceCell::const_new(),
    gate: RwLock::const_new(()),
};

/// Two replicas of API and consumer, whose processes tests kill.
pub static DELIVERY: Shared = Shared {
    prefix: "delivery",
    spec: || {
        let little = json!({"requests": {"cpu": "10m"}});
        let twice = json!({"scaling": {"fixed": {"replicas": 2}}, "resources": little});
        let backend = json!({"managed": {"resources": little}});
        json!({
            "api": twice, "consumer": twice, "notifications": {"resources": little},
            "redis": backend, "kafka": backend, "postgres": backend,
        })
    },
    namespace: OnceCell::const_new(),
    gate: RwLock::const_new(()),
};

/// Every default: `spec: {}`.
pub static DEFAULT: Shared =
    Shared { prefix: "default", spec: || json!({}), namespace: OnceCell::const_new(), gate: RwLock::const_new(()) };

/// Three instances of notifications, which keep less in memory than tests make clients miss; beside the product events a topic with a
/// schema of its own, and one that comes and goes.
pub static STREAMS: Shared =
    Shared { prefix: "streams", spec: streams_spec, namespace: OnceCell::const_new(), gate: RwLock::const_new(()) };

/// Clients are asked for tokens, which end when they say, and API and notifications tell of each request in their logs.
pub static SECURED: Shared =
    Shared { prefix: "secured", spec: secured_spec, namespace: OnceCell::const_new(), gate: RwLock::const_new(()) };

/// The spec of [`SECURED`].
pub fn secured_spec() -> Value {
    let little = json!({"requests": {"cpu": "10m"}});
    let (backend, talkative) = (json!({"managed": {"resources": little}}), json!({"logLevel": "Debug"}));
    json!({
        "security": {"auth": {"jwt": {"leewaySeconds": 0}}},
        "api": {"resources": little, "config": talkative}, "consumer": {"resources": little},
        "notifications": {"resources": little, "config": talkative},
        "redis": backend, "kafka": backend, "postgres": backend,
    })
}

/// Events that an instance of [`STREAMS`] keeps in memory.
pub const STREAMS_RING: u32 = 200;

fn streams_spec() -> Value {
    let little = json!({"requests": {"cpu": "10m"}});
    let backend = json!({"managed": {"resources": little}});
    let order = json!({
        "type": "object", "required": ["order"],
        "properties": {"order": {"type": "object", "required": ["number"], "properties": {"number": {"type": "integer"}}}},
    });
    json!({
        "topics": [
            {"name": "product-events", "partitions": 6}, {"name": "orders", "partitions": 2},
            {"name": "transient", "partitions": 1},
        ],
        "schemas": [{"type": "OrderPlaced", "schema": order}],
        "notifications": {
            "scaling": {"fixed": {"replicas": 3}},
            "resources": little,
            "config": {"topics": ["product-events", "orders", "transient"], "ring": {"events": STREAMS_RING}},
        },
        "api": {"resources": little}, "consumer": {"resources": little},
        "redis": backend, "kafka": backend, "postgres": backend,
    })
}

/// A stack that several tests use.
pub struct Shared {
    prefix: &'static str,
    spec: fn() -> Value,
    namespace: OnceCell<String>,
    gate: RwLock<()>,
}

impl Shared {
    /// Runs a test that leaves the stack as it is, beside others of its kind.
    pub async fn look(&'static self, test: impl AsyncFnOnce(&Stack)) {
        let _operator = OPERATOR_STAYS.read().await;
        let _gate = self.gate.read().await;
        let stack = self.restored().await;
        guarded(&stack, test(&stack)).await;
    }

    /// Runs a test that changes the stack, alone.
    pub async fn change(&'static self, test: impl AsyncFnOnce(&Stack)) {
        let _operator = OPERATOR_STAYS.read().await;
        let _gate = self.gate.write().await;
        let stack = self.restored().await;
        guarded(&stack, test(&stack)).await;
    }

    async fn restored(&'static self) -> Stack {
        let cluster = Cluster::connect().await;
        let namespace = self.namespace.get_or_init(|| cluster.create_namespace(self.prefix)).await.clone();
        let stack = Stack { cluster, namespace, name: NAME.to_owned() };
        guarded(&stack, async {
            stack.apply(&(self.spec)()).await;
            stack.ready(START_LIMIT).await;
        })
        .await;
        stack
    }
}

/// The spec of the default stack.
pub fn default_spec() -> Value {
    (DEFAULT.spec)()
}

/// Runs a test that looks at both shared stacks.
pub async fn look_at_both(test: impl AsyncFnOnce(&Stack, &Stack)) {
    let _operator = OPERATOR_STAYS.read().await;
    let _gates = (REPLICATED.gate.read().await, DEFAULT.gate.read().await);
    let (replicated, default) = (REPLICATED.restored().await, DEFAULT.restored().await);
    guarded(&default, guarded(&replicated, test(&replicated, &default))).await;
}

/// Runs a test in a namespace of its own, where no stack is yet.
pub async fn alone(prefix: &str, test: impl AsyncFnOnce(&Stack)) {
    let _operator = OPERATOR_STAYS.read().await;
    in_own_namespace(prefix, test).await;
}

/// Runs a test in a namespace of its own that may kill the operator: no other test runs beside it.
pub async fn with_the_operator_to_itself(prefix: &str, test: impl AsyncFnOnce(&Stack)) {
    let _operator = OPERATOR_STAYS.write().await;
    in_own_namespace(prefix, test).await;
}

async fn in_own_namespace(prefix: &str, test: impl AsyncFnOnce(&Stack)) {
    let cluster = Cluster::connect().await;
    let namespace = cluster.create_namespace(prefix).await;
    let stack = Stack { cluster, namespace, name: NAME.to_owned() };
    let result = AssertUnwindSafe(guarded(&stack, test(&stack))).catch_unwind().await;
    stack.cluster.delete_namespace(&stack.namespace).await;
    result.unwrap_or_else(|panic| resume_unwind(panic));
}

/// Runs something about a stack, and explains the stack when it fails.
async fn guarded<T>(stack: &Stack, work: impl Future<Output = T>) -> T {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(value) => value,
        Err(panic) => {
            diagnosis::print(stack).await;
            resume_unwind(panic)
        }
    }
}
