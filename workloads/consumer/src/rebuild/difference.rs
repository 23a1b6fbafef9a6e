//! What tells a row from the one that its history leads to.

use jiff::Timestamp;
use realtime_contract::event::JsonText;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use uuid::Uuid;

use super::past::{Past, State, Unreadable};

/// One difference, as a line of JSON says it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub(super) enum Difference {
    /// A field of the row is another one.
    Field {
        /// Its name in the table.
        field: &'static str,
        /// What the row has.
        stored: Content,
        /// What the history leads to.
        rebuilt: Content,
    },
    /// The history has a creation, and there is no row.
    RowMissing {
        /// The row that there should be.
        rebuilt: State,
    },
    /// The history has no creation. Without a row either there is nothing left of the notification.
    CreationMissing {
        /// The row.
        stored: Option<State>,
    },
    /// An event cannot be what its type says.
    EventUnreadable {
        /// Its id.
        event: Uuid,
        /// What is wrong with it.
        reason: String,
    },
}

/// What stands in a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Time(#[serde(serialize_with = "whole_time")] Option<Timestamp>),
    Data(Option<JsonText>),
}

/// All digits that Postgres keeps, unlike what clients read.
fn whole_time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&format_args!("{time:.6}")),
        None => serializer.serialize_none(),
    }
}

impl State {
    /// The row by the names of its columns.
    fn columns(&self) -> [(&'static str, Content); 8] {
        let text = |text: &String| Content::Text(text.clone());
        [
            ("message", text(&self.message)),
            ("type", text(&self.kind)),
            ("channel", text(&self.channel)),
            ("status", text(&self.status)),
            ("data", Content::Data(self.data.clone())),
            ("created_at", Content::Time(Some(self.created_at))),
            ("processed_at", Content::Time(self.processed_at)),
            ("read_at", Content::Time(self.read_at)),
        ]
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.columns();
        let mut map = serializer.serialize_map(Some(columns.len()))?;
        for (name, content) in &columns {
            map.serialize_entry(name, content)?;
        }
        map.end()
    }
}

/// Every difference between the row and its history.
pub(super) fn compare(row: Option<&State>, past: &Past) -> Vec<Difference> {
    let mut differences: Vec<Difference> = past.unreadable.iter().map(unreadable).collect();
    match (row, past.state()) {
        (Some(row), Some(rebuilt)) => differences.extend(fields(row, &rebuilt)),
        (None, Some(rebuilt)) => differences.push(Difference::RowMissing { rebuilt }),
        (row, None) => differences.push(Difference::CreationMissing { stored: row.cloned() }),
    }
    differences
}

fn unreadable(unreadable: &Unreadable) -> Difference {
    Difference::EventUnreadable { event: unreadable.event, reason: unreadable.reason.clone() }
}

fn fields(row: &State, rebuilt: &State) -> impl Iterator<Item = Difference> {
    let pairs = row.columns().into_iter().zip(rebuilt.columns());
    pairs
        .filter(|((_, stored), (_, rebuilt))| stored != rebuilt)
        .map(|((field, stored), (_, rebuilt))| Difference::Field { field, stored, rebuilt })
}

#[cfg(test)]
mod tests;
