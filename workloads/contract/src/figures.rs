//! What each instance of a stack tells the others of its work: one text in Redis for each, which goes away when the instance does.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Component;

/// Key of the Redis set with the names of instances. It may name some that are gone.
pub const INSTANCES: &str = "realtime:figures";
/// Between two texts of an instance.
pub const INTERVAL: Duration = Duration::from_secs(2);
/// How long a text is kept.
pub const EXPIRY: Duration = Duration::from_secs(10);

/// Key of the Redis text of an instance: its [`Figures`] as JSON.
pub fn key(instance: &str) -> String {
    format!("{INSTANCES}:{instance}")
}

/// What an instance has done since it started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Name of the pod, or of the machine.
    pub instance: String,
    /// Name of its component.
    pub component: String,
    /// Since its start.
    pub uptime_seconds: u64,
    /// What it counted.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What an instance counted. What another version does not know, or does not tell, is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Counts {
    /// Connections that are open now.
    pub connections: Connections,
    /// Events that were written to a connection or wait for it.
    pub delivered: u64,
    /// Notifications that it accepted.
    pub published: u64,
    /// Ended connections by reason.
    pub closed: BTreeMap<String, u64>,
    /// Subscriptions by how they began.
    pub resumed: BTreeMap<String, u64>,
}

/// Open connections by what they speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connections {
    /// Server-sent events.
    pub sse: u64,
    /// Socket.IO by websocket.
    pub websocket: u64,
    /// Socket.IO by long polling.
    pub polling: u64,
}

impl Figures {
    /// Of an instance of the component.
    pub fn new(instance: &str, component: Component, uptime: Duration, counts: Counts) -> Self {
        Self {
            instance: instance.to_owned(),
            component: component.name().to_owned(),
            uptime_seconds: uptime.as_secs(),
            counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn is_one_flat_object() {
        let counts = Counts {
            connections: Connections { sse: 1, websocket: 2, polling: 3 },
            delivered: 4,
            published: 5,
            closed: BTreeMap::from([("gone".to_owned(), 6)]),
            resumed: BTreeMap::from([("memory".to_owned(), 7)]),
        };
        let figures = Figures::new("demo-api-x", Component::Api, Duration::from_millis(8900), counts);
        let value = serde_json::to_value(&figures).unwrap();
        let expected = json!({
            "instance": "demo-api-x",
            "component": "api",
            "uptimeSeconds": 8,
            "connections": {"sse": 1, "websocket": 2, "polling": 3},
            "delivered": 4,
            "published": 5,
            "closed": {"gone": 6},
            "resumed": {"memory": 7},
        });
        assert_eq!(value, expected);
        assert_eq!(serde_json::from_value::<Figures>(value).unwrap(), figures);
    }

    #[test]
    fn what_another_version_tells_is_understood() {
        let text = r#"{"instance":"a","component":"api","uptimeSeconds":1,"delivered":2,"later":[]}"#;
        let figures: Figures = serde_json::from_str(text).unwrap();
        assert_eq!((figures.counts.delivered, figures.counts.published), (2, 0));
    }
}
