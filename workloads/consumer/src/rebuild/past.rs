//! What the history of a notification says of its row: a fold over its events, without any IO.

use jiff::Timestamp;
use realtime_contract::event::history::{CREATED, PROCESSED, READ, UNREAD};
use realtime_contract::event::{JsonText, NotificationCreated, NotificationStatus};
use uuid::Uuid;

/// The state of a notification, as its row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) message: String,
    pub(super) kind: String,
    pub(super) channel: String,
    pub(super) status: String,
    pub(super) data: Option<JsonText>,
    pub(super) created_at: Timestamp,
    pub(super) processed_at: Option<Timestamp>,
    pub(super) read_at: Option<Timestamp>,
}

/// A row of `events`.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: Uuid,
    pub(super) kind: String,
    /// JSON, as the writer wrote it.
    pub(super) payload: String,
    pub(super) occurred_at: Timestamp,
}

/// An event that cannot be what its type says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) event: Uuid,
    pub(super) reason: String,
}

/// What a notification began as.
#[derive(Clone, Debug)]
struct Creation {
    message: String,
    kind: String,
    channel: String,
    data: Option<JsonText>,
    at: Timestamp,
}

/// What the events of one notification say, taken in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    creation: Option<Creation>,
    processed_at: Option<Timestamp>,
    read_at: Option<Timestamp>,
    pub(super) unreadable: Vec<Unreadable>,
}

impl Past {
    /// Takes the next event of the notification with that id. Of several creations, and of several times at which it was processed, the first
    /// counts, as it does for the row. Events of other types say nothing of the row.
    pub(super) fn apply(&mut self, id: Uuid, event: &Event) {
        match event.kind.as_str() {
            CREATED => self.create(id, event),
            PROCESSED => drop(self.processed_at.get_or_insert(event.occurred_at)),
            READ => drop(self.read_at.get_or_insert(event.occurred_at)),
            UNREAD => self.read_at = None,
            _ => {}
        }
    }

    fn create(&mut self, id: Uuid, event: &Event) {
        let creation = match read_creation(id, event) {
            Ok(creation) => creation,
            Err(reason) => return self.unreadable.push(Unreadable { event: event.id, reason }),
        };
        self.creation.get_or_insert(creation);
    }

    /// The row that this history leads to; none without a creation.
    pub(super) fn state(&self) -> Option<State> {
        let creation = self.creation.as_ref()?;
        let status =
            if self.processed_at.is_some() { NotificationStatus::Processed } else { NotificationStatus::Pending };
        Some(State {
            message: creation.message.clone(),
            kind: creation.kind.clone(),
            channel: creation.channel.clone(),
            status: status.name().to_owned(),
            data: creation.data.clone(),
            created_at: creation.at,
            processed_at: self.processed_at,
            read_at: self.read_at,
        })
    }

    /// The sender's data.
    pub(super) fn data(&self) -> Option<&JsonText> {
        self.creation.as_ref()?.data.as_ref()
    }

    /// Takes the row's form of the data, which is the same value.
    pub(super) fn take_form(&mut self, row: Option<&State>) {
        if let Some(creation) = &mut self.creation {
            creation.data = row.and_then(|row| row.data.clone());
        }
    }

    /// Types and times of the events that a history without a creation lacks to explain this row.
    pub(super) fn missing_events(&self, row: &State) -> Vec<(&'static str, Timestamp)> {
        if self.creation.is_some() {
            return Vec::new();
        }
        let processed = row.processed_at.filter(|_| self.processed_at.is_none());
        let read = row.read_at.filter(|_| self.read_at.is_none());
        let created = (CREATED, row.created_at);
        let later = [(PROCESSED, processed), (READ, read)];
        std::iter::once(created).chain(later.into_iter().filter_map(|(kind, at)| Some((kind, at?)))).collect()
    }
}

/// The row has the event's own time, which is finer than that of the payload.
fn read_creation(id: Uuid, event: &Event) -> Result<Creation, String> {
    let payload: NotificationCreated = serde_json::from_str(&event.payload).map_err(|error| error.to_string())?;
    let notification = payload.notification;
    if notification.id != id {
        return Err(format!("it speaks of notification {}", notification.id));
    }
    Ok(Creation {
        message: notification.message,
        kind: notification.kind,
        channel: notification.channel,
        data: notification.data,
        at: event.occurred_at,
    })
}

#[cfg(test)]
mod tests;
