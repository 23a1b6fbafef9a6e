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
use uuid::Uuid;

/// What every answer is judged by.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";
/// Answers that do not end by themselves, and a protocol that is no REST.
const ENDLESS: [&str; 2] = ["/api/sse/notifications", "/socket.io"];
/// After this time it hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// Requests by chance, made by schemathesis.
pub(crate) struct Chance<'a> {
    /// The address of the API.
    pub(crate) api: &'a str,
    /// What each request shows.
    pub(crate) token: Option<&'a str>,
    /// For how long they are made.
    pub(crate) seconds: u32,
    /// How many there must be, on a busy machine, too.
    pub(crate) fewest: u32,
}

impl Chance<'_> {
    /// Makes the requests, and demands that the document has every answer.
    pub(crate) async fn finds_nothing(&self) {
        // What it reads of itself stands where it runs, and so does its database of what it found.
        let folder = std::env::temp_dir().join(format!("realtime-properties-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&folder).expect("a folder for the run");
        // A token is no argument, which every process of the machine could read.
        let settings = if self.token.is_some() { "[headers]\nAuthorization = \"Bearer ${TOKEN}\"\n" } else { "" };
        std::fs::write(folder.join("schemathesis.toml"), settings).expect("a file in the folder");
        let seed = environment::number(environment::SEED, 1);
        let mut command = self.command(seed);
        let running = command.current_dir(&folder).stdin(Stdio::null()).kill_on_drop(true).output();
        let output = tokio::time::timeout(LIMIT, running).await;
        std::fs::remove_dir_all(&folder).expect("the folder was there");
        let output = output.expect("it comes to its end").expect("python3 can be started");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "seed {seed}: {told}{}", String::from_utf8_lossy(&output.stderr));
        // The last line of its summary: `504 generated, 504 passed`; lines of its phases count operations.
        let passed = told.lines().find_map(|line| line.trim().split_once(" generated, ")?.1.strip_suffix(" passed"));
        let passed = passed.and_then(|number| number.parse::<u32>().ok());
        assert!(passed >= Some(self.fewest), "{told}");
    }

    fn command(&self, seed: u32) -> Command {
        let mut command = Command::new("python3");
        let document = format!("{}/api/openapi.json", self.api);
        command.args(["-m", "schemathesis.cli", "run", &document, "--checks", CHECKS]);
        command.args(["--phases", "examples,coverage,fuzzing,stateful", "--workers", "1", "--request-timeout", "10"]);
        command.args(["--max-time", &self.seconds.to_string(), "--seed", &seed.to_string(), "--no-color"]);
        for path in ENDLESS {
            command.args(["--exclude-path", path]);
        }
        command.env("PYTHONPATH", environment::path(environment::SCHEMATHESIS));
        command.envs(self.token.map(|token| ("TOKEN", token)));
        command
    }
}

#[tokio::test]
async fn the_openapi_document_has_every_answer_that_requests_by_chance_get() {
    REPLICATED
        .look(async |stack| {
            let api = stack.url(Component::Api).await;
            Chance { api: &api, token: None, seconds: 75, fewest: 150 }.finds_nothing().await;
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
