//! The console in Chromium, driven as a person does it: by its fields, keys and what can be read on it.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::arrivals::Arrivals;
use crate::clients::node::Node;
use crate::environment;

const SCRIPT: &str = include_str!("../clients/console.mjs");

/// The longest that a step may take, its own limits included.
const STEP: Duration = Duration::from_secs(60);

/// A browser with pages of the console, which runs as long as this value lives.
#[derive(Debug)]
pub struct Console {
    answers: Arrivals,
    node: Node,
    steps: u64,
}

impl Console {
    /// Starts the browser for the console at `url`. Screenshots go to the folder that the environment names.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(url: &str) -> Self {
        let (sender, answers) = Arrivals::new(&format!("the console at {url}"));
        let screenshots: PathBuf = environment::path(environment::SCREENSHOTS);
        let chromium = environment::path(environment::CHROMIUM);
        let told = json!({"url": url, "chromium": chromium, "screenshots": screenshots});
        Self { answers, node: Node::start("the console", SCRIPT, &told.to_string(), sender), steps: 0 }
    }

    /// Has the script do something on the page of that name, with what `more` says, and gives its answer.
    ///
    /// # Panics
    /// When it fails or takes longer than a minute.
    pub async fn ask(&mut self, what: &str, page: &str, more: &Value) -> Value {
        self.steps += 1;
        let number = self.steps;
        let mut command = json!({"do": what, "number": number, "page": page});
        if let (Some(command), Some(more)) = (command.as_object_mut(), more.as_object()) {
            command.extend(more.clone());
        }
        self.node.tell(&command).await;
        let is_answer = |event: &Value| event["data"] == number || event["event"] == "output";
        let answer = self.answers.wait(&format!("answer to {command}"), STEP, is_answer).await.event;
        assert_eq!(answer["event"], "answer", "{what} on the page {page}: {}", answer["value"]);
        answer["value"].clone()
    }

    /// Demands that the page has no violation of the rules for accessibility, is not wider than the window, loads nothing from elsewhere and
    /// has no error of its own, and takes a screenshot of it.
    ///
    /// # Panics
    /// When it has one.
    pub async fn is_sound(&mut self, page: &str, screenshot: &str) {
        let found = self.ask("judge", page, &json!({"name": screenshot})).await;
        let sound = json!({"violations": [], "wide": 0, "elsewhere": [], "errors": []});
        assert_eq!(found, sound, "the page {page}");
    }

    /// Ends the browser.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn close(mut self) {
        self.ask("close", "", &json!({})).await;
    }
}
