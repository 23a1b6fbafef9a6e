//! What is said about it: differences and the summary on stdout, progress on stderr.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;

use super::Error;
use super::difference::Difference;

/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(5);

/// Counts what was seen.
pub(super) struct Report {
    expected: i64,
    begun: Instant,
    told: Instant,
    summary: Summary,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    notifications: u64,
    events: u64,
    differences: u64,
    repaired: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    id: Uuid,
    #[serde(flatten)]
    difference: &'a Difference,
    #[serde(skip_serializing_if = "Option::is_none")]
    repaired: Option<bool>,
}

impl Report {
    /// Of about so many notifications; a negative number means that Postgres does not know.
    pub(super) fn begin(expected: i64) -> Self {
        let now = Instant::now();
        Self { expected, begun: now, told: now, summary: Summary::default() }
    }

    /// Another notification was compared.
    pub(super) const fn count(&mut self, events: u64) {
        self.summary.notifications += 1;
        self.summary.events += events;
    }

    /// Writes a difference. `left` has those that a repair could not mend.
    ///
    /// # Errors
    /// When stdout takes no more.
    pub(super) fn tell(&mut self, id: Uuid, difference: &Difference, left: Option<&[Difference]>) -> Result<(), Error> {
        let repaired = left.map(|left| !left.contains(difference));
        self.summary.differences += 1;
        self.summary.repaired += u64::from(repaired.unwrap_or_default());
        write_line(&Line { id, difference, repaired })
    }

    /// Says now and then how far it is.
    pub(super) fn progress(&mut self, next: Uuid) {
        if self.told.elapsed() < PROGRESS {
            return;
        }
        self.told = Instant::now();
        let Summary { notifications, events, differences, .. } = self.summary;
        let of = if self.expected > 0 { format!(" of about {}", self.expected) } else { String::new() };
        eprintln!("{notifications} notifications{of}, {events} events, {differences} differences, next is {next}");
    }

    /// Writes the summary. Gives whether nothing differs any more.
    ///
    /// # Errors
    /// When stdout takes no more.
    pub(super) fn end(self) -> Result<bool, Error> {
        let seconds = self.begun.elapsed().as_millis() as f64 / 1000.0;
        write_line(&serde_json::json!({"summary": self.summary, "seconds": seconds}))?;
        Ok(self.summary.differences == self.summary.repaired)
    }
}

/// Data of other producers may have line breaks, only between its tokens: in JSON, those of a text are escaped.
fn write_line(value: &impl Serialize) -> Result<(), Error> {
    let encoded = serde_json::to_string(value).map_err(io::Error::from);
    let written = encoded.and_then(|text| writeln!(io::stdout().lock(), "{}", text.replace(['\n', '\r'], " ")));
    written.map_err(|source| Error::WriteLine { source })
}
