//! The interfaces of the services that were replaced: what their users have in scripts and pages works as it is.

mod api;
mod arrival;
mod figures;
mod notifications;

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

/// How long a script may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What came of it.
struct Shell {
    status: u16,
    headers: String,
    body: String,
}

impl Shell {
    /// Runs a line with curl in it, as it is, where `$API` is that address. A stream is read for as long as `--max-time` says.
    async fn run(base: &str, line: &str) -> Self {
        let script = format!("curl() {{ command curl --silent --include --noproxy '*' \"$@\"; }}\n{line}");
        let mut command = Command::new("bash");
        command.args(["-c", &script]).env("API", base).stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let output =
            tokio::time::timeout(LIMIT, command.output()).await.expect("it ends").expect("bash can be started");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (headers, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{line}: {output:?}"));
        let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or_else(|| panic!("{line}: {headers}")),
            headers: headers.to_lowercase(),
            body: body.to_owned(),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Demands a header of exactly that text.
    fn assert_header(&self, name: &str, text: &str) {
        let mut found = self.headers.lines().filter_map(|line| line.split_once(": "));
        assert!(found.any(|it| it == (name, text)), "{name} is not {text}: {}", self.headers);
    }

    /// The data of the frames of a stream.
    fn data(&self) -> Vec<Value> {
        let lines = self.body.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
    }
}

/// Names of the fields, in their order.
fn names(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

/// Demands a time as `Date.prototype.toISOString` writes it.
fn assert_time(value: &Value) {
    let text = value.as_str().unwrap_or_default();
    assert!(
        text.len() == 24 && text.as_bytes()[19] == b'.' && text.ends_with('Z'),
        "{value} is ISO 8601 in milliseconds"
    );
}
