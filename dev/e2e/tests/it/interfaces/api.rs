use realtime_contract::Component;
use realtime_e2e::Stack;
use realtime_e2e::fixture::{DEFAULT, REPLICATED};
use serde_json::json;
use uuid::Uuid;

use super::{Shell, assert_time, names};

pub(super) const POST: &str = r#"curl -X POST $API/api/notifications -H "Content-Type: application/json" -d '{"message":"Test notification","type":"info"}'"#;

pub(super) async fn shell(stack: &Stack, line: &str) -> Shell {
    Shell::run(&stack.url(Component::Api).await, line).await
}

#[tokio::test]
async fn the_service_tells_what_it_is_and_where_everything_is() {
    REPLICATED
        .look(async |stack| {
            let answer = shell(stack, "curl $API/").await;
            assert_eq!(answer.status, 200);
            answer.assert_header("content-type", "application/json");
            let told = answer.json();
            assert_eq!(names(&told), ["name", "version", "endpoints"]);
            assert_eq!((&told["name"], &told["version"]), (&json!("realtime-api"), &json!(env!("CARGO_PKG_VERSION"))));
            for (name, path) in [
                ("health", "/api/health"),
                ("notifications", "/api/notifications"),
                ("stream", "/api/sse/notifications"),
                ("socketio", "/socket.io"),
                ("websocketHealth", "/api/websocket/health"),
                ("cacheTest", "/api/cache-test"),
                ("metrics", "/metrics"),
                ("docs", "/api/docs"),
                ("openapi", "/api/openapi.json"),
            ] {
                assert_eq!(told["endpoints"][name], path, "{told}");
            }
            for path in told["endpoints"].as_object().expect("endpoints").values() {
                let path = path.as_str().expect("a path");
                let answer = shell(stack, &format!("curl --max-time 5 \"$API{path}\"")).await;
                assert_ne!(answer.status, 404, "{path}");
            }
        })
        .await;
}

#[tokio::test]
async fn health_tells_the_state_of_each_dependency() {
    REPLICATED
        .look(async |stack| {
            let answer = shell(stack, "curl $API/api/health").await;
            let health = answer.json();
            assert_eq!((answer.status, &health["status"]), (200, &json!("healthy")), "{health}");
            assert_time(&health["timestamp"]);
            for backend in ["postgres", "redis", "kafka"] {
                assert_eq!(health["services"][backend]["status"], "healthy", "{health}");
            }
        })
        .await;
}

#[tokio::test]
async fn the_lines_of_scripts_that_post_and_read_notifications_work_as_they_are() {
    REPLICATED
        .look(async |stack| {
            let answer = shell(stack, POST).await;
            let posted = answer.json();
            assert_eq!(answer.status, 201, "{posted}");
            assert_eq!(names(&posted), ["id", "message", "type", "channel", "status", "timestamp"]);
            answer.assert_header("content-type", "application/json");
            assert_eq!((&posted["message"], &posted["type"]), (&json!("Test notification"), &json!("info")));
            assert_eq!((&posted["channel"], &posted["status"]), (&json!("default"), &json!("pending")));
            assert!(posted["id"].as_str().is_some_and(|id| Uuid::try_parse(id).is_ok()), "{posted}");
            assert_time(&posted["timestamp"]);
            let answer = shell(stack, "curl $API/api/notifications?limit=200").await;
            assert_eq!(answer.status, 200);
            answer.assert_header("content-type", "application/json");
            let list = answer.json();
            assert!(list.as_array().expect("a bare array").iter().any(|it| it["id"] == posted["id"]), "{list}");
            let times: Vec<&str> =
                list.as_array().into_iter().flatten().filter_map(|it| it["timestamp"].as_str()).collect();
            assert!(times.is_sorted_by(|first, second| first >= second), "newest first: {times:?}");
        })
        .await;
}

#[tokio::test]
async fn fields_that_old_clients_send_are_ignored_and_wrong_ones_refused() {
    REPLICATED
        .look(async |stack| {
            let post = |body: &str| {
                format!("curl -X POST $API/api/notifications -H 'Content-Type: application/json' -d '{body}'")
            };
            let answer = shell(stack, &post(r#"{"message":"old","userId":7,"priority":"high"}"#)).await;
            assert_eq!((answer.status, &answer.json()["type"]), (201, &json!("info")));
            for body in [r#"{"type":"info"}"#, r#"{"message":7}"#] {
                let answer = shell(stack, &post(body)).await;
                assert_eq!((answer.status, &answer.json()["field"]), (422, &json!("message")), "{body}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_delete_of_the_notifications_clears_the_cache_and_no_notification() {
    DEFAULT
        .change(async |stack| {
            let posted = shell(stack, POST).await.json();
            let answer = shell(stack, "curl -X DELETE $API/api/notifications").await;
            assert_eq!((answer.status, answer.json()), (200, json!({"message": "Cache cleared"})));
            let cold = shell(stack, "curl $API/api/notifications").await;
            assert!(cold.headers.contains("x-cache: miss"), "{}", cold.headers);
            assert!(
                cold.json().as_array().expect("an array").iter().any(|it| it["id"] == posted["id"]),
                "{}",
                cold.body
            );
            let count =
                async || -> u64 { stack.query("SELECT count(*) FROM notifications").await.parse().expect("a number") };
            let before = count().await;
            shell(stack, "curl -X DELETE $API/api/notifications").await;
            assert!(before > 0 && count().await >= before, "{before}");
        })
        .await;
}

#[tokio::test]
async fn the_counter_of_the_cache_test_goes_up_by_one() {
    DEFAULT
        .change(async |stack| {
            let counted = async || {
                let answer = shell(stack, "curl $API/api/cache-test").await;
                answer.assert_header("content-type", "application/json");
                answer.json()
            };
            let first = counted().await["counter"].as_i64().expect("a number");
            assert_eq!(counted().await, json!({"message": "Redis answers", "counter": first + 1}));
        })
        .await;
}

#[tokio::test]
async fn pages_of_the_development_servers_may_call_the_api_with_cookies() {
    REPLICATED
        .look(async |stack| {
            for origin in ["http://localhost:3000", "http://localhost:5173"] {
                for path in ["/api/notifications", "/socket.io/"] {
                    let line = format!(
                        "curl -X OPTIONS $API{path} -H 'Origin: {origin}' \
                         -H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: content-type'"
                    );
                    let answer = shell(stack, &line).await;
                    assert!(answer.status < 300, "{}", answer.headers);
                    answer.assert_header("access-control-allow-origin", origin);
                    answer.assert_header("access-control-allow-credentials", "true");
                }
                let polling = "curl \"$API/socket.io/?EIO=4&transport=polling\"";
                let answer = shell(stack, &format!("{polling} -H 'Origin: {origin}'")).await;
                answer.assert_header("access-control-allow-origin", origin);
                answer.assert_header("access-control-allow-credentials", "true");
                assert!(answer.body.contains(r#""pingInterval":25000,"pingTimeout":60000"#), "{}", answer.body);
            }
            let answer = shell(stack, "curl $API/api/health -H 'Origin: http://elsewhere.example'").await;
            assert!(!answer.headers.contains("access-control-allow-origin"), "{}", answer.headers);
        })
        .await;
}

#[tokio::test]
async fn the_health_of_websockets_has_its_four_fields() {
    REPLICATED
        .look(async |stack| {
            let answer = shell(stack, "curl $API/api/websocket/health").await;
            assert_eq!(answer.status, 200);
            assert_eq!(names(&answer.json()), ["status", "connections", "connectionsByIP", "timestamp"]);
        })
        .await;
}
