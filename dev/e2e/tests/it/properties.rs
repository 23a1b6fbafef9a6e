//! The documents that the API serves: requests by chance, made by schemathesis from the OpenAPI document, right ones, wrong ones, and all that
//! lies at a limit; and the AsyncAPI document before its official parser.

use std::process::Stdio;
use std::time::Duration;

use realtime_contract::Component;
use realtime_e2e::clients::node::Node;
use realtime_e2e::environment;
use realtime_e2e::fixture::REPLICATED;
use serde_json::Value;
use tokio::process::Command;

/// What every answer is judged by.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";
/// Answers that do not end by themselves, and a protocol that is no REST.
const ENDLESS: [&str; 2] = ["/api/sse/notifications", "/socket.io"];
/// For how long requests are made.
const SECONDS: u32 = 75;
/// Requests at least, on a busy machine.
const FEWEST: u32 = 150;
/// After this time it hangs.
const LIMIT: Duration = Duration::from_secs(240);

#[tokio::test]
async fn the_openapi_document_has_every_answer_that_requests_by_chance_get() {
    REPLICATED
        .look(async |stack| {
            let api = stack.url(Component::Api).await;
            let seed = environment::number(environment::SEED, 1);
            let mut command = Command::new("python3");
            command.args(["-m", "schemathesis.cli", "run", &format!("{api}/api/openapi.json"), "--checks", CHECKS]);
            command.args([
                "--phases",
                "examples,coverage,fuzzing,stateful",
                "--workers",
                "1",
                "--request-timeout",
                "10",
            ]);
            command.args(["--max-time", &SECONDS.to_string(), "--seed", &seed.to_string(), "--no-color"]);
            for path in ENDLESS {
                command.args(["--exclude-path", path]);
            }
            // It keeps a database of what it found beside where it runs.
            let folder = std::env::temp_dir().join(format!("realtime-properties-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("a folder for the run");
            command.env("PYTHONPATH", environment::path(environment::SCHEMATHESIS)).current_dir(&folder);
            let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
            let output = tokio::time::timeout(LIMIT, running).await;
            std::fs::remove_dir_all(&folder).expect("the folder was there");
            let output = output.expect("it comes to its end").expect("python3 can be started");
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "seed {seed}: {told}{}", String::from_utf8_lossy(&output.stderr));
            // The last line of its summary: `504 generated, 504 passed`; lines of its phases count operations.
            let passed =
                told.lines().find_map(|line| line.trim().split_once(" generated, ")?.1.strip_suffix(" passed"));
            let passed = passed.and_then(|number| number.parse::<u32>().ok());
            assert!(passed >= Some(FEWEST), "{told}");
        })
        .await;
}

/// A diagnostic of the parser that is an error or a warning; others are advice.
fn is_fault(diagnostic: &Value) -> bool {
    diagnostic["severity"].as_u64().is_none_or(|severity| severity < 2)
}

#[tokio::test]
async fn the_official_parser_reads_the_asyncapi_document_and_finds_every_stream() {
    REPLICATED
        .look(async |stack| {
            let url = format!("{}/api/asyncapi.json", stack.url(Component::Api).await);
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            let _parser = Node::start("the parser", include_str!("../../clients/asyncapi.mjs"), &url, sender);
            let told = tokio::time::timeout(Duration::from_secs(60), async {
                loop {
                    let told = receiver.recv().await.expect("the parser says something");
                    if told["event"] == "judged" {
                        return told["data"].clone();
                    }
                    eprintln!("{told}");
                }
            });
            let told = told.await.expect("the parser comes to an end");
            let diagnostics = told["diagnostics"].as_array().expect("a list");
            assert!(!diagnostics.iter().any(is_fault), "{diagnostics:?}");
            for address in ["/api/sse/notifications", "/events/stream", "/", "/demo", "product-events", "notifications"]
            {
                assert!(told["channels"].as_array().expect("a list").contains(&address.into()), "{address}: {told}");
            }
        })
        .await;
}
