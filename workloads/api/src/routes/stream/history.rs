//! What a client missed, read from Postgres within limits.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use realtime_contract::feed::FeedEntry;
use realtime_fanout::sse::Frame;
use serde_json::json;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::resume::{GapReason, Resume};
use crate::{
    cursor::FeedCursor,
    feed::notification_frame,
    state::ApiState,
    store::{Error, FeedPage},
};

/// Positions that one connection replays at most.
const EVENTS: u64 = 1000;
/// Bytes that one connection replays at most.
const BYTES: usize = 16 * 1024 * 1024;
const PAGE: FeedPage = FeedPage { entries: 100, bytes: 2 * 1024 * 1024 };
/// How long a client waits for its turn and its history; then it goes on without, or with what was read.
const PATIENCE: Duration = Duration::from_secs(10);

/// What stands between the greeting and the live events.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// The client has everything up to here.
    pub(crate) begin: u64,
    /// Before the entries: they do not begin where the client ended.
    missing: Option<Gap>,
    entries: Vec<FeedEntry>,
    /// Behind the entries: they end before live begins.
    cut: Option<Gap>,
}

/// A part of the feed that the client does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Gap {
    reason: GapReason,
    /// The client's last position before it, in its own words.
    from: From,
    /// The stream goes on behind this position.
    to: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Position(u64),
    Text(String),
}

/// Reads what lies between the client's position and the one at which it joined. The permit is there to be held until the history is sent,
/// so that no more histories than permits are in memory.
pub(crate) async fn read(
    state: &ApiState,
    resume: Resume,
    joined_at: u64,
) -> Result<(History, Option<OwnedSemaphorePermit>), Error> {
    let after = match resume {
        Resume::Live => return Ok((History { begin: joined_at, ..History::default() }, None)),
        Resume::Lost { reason, from } => return Ok((History::lost(reason, From::Text(from), joined_at), None)),
        Resume::Behind(position) => position,
    };
    if after >= joined_at {
        // The client may have seen more than this replica has: the hub skips what it saw.
        return Ok((History { begin: after, ..History::default() }, None));
    }
    let limited = History::lost(GapReason::Limit, From::Position(after), joined_at);
    if joined_at - after > EVENTS {
        return Ok((limited, None));
    }
    let deadline = Instant::now() + PATIENCE;
    let Ok(permit) = timeout_at(deadline, state.replays.clone().acquire_owned()).await else {
        return Ok((limited, None));
    };
    let permit = permit.expect("the semaphore is never closed");
    let entries = entries(state, after, joined_at, deadline).await?;
    Ok((History::assemble(after, joined_at, entries), Some(permit)))
}

/// The entries behind `after`, until their bytes or the time are used up; one page at least.
async fn entries(state: &ApiState, after: u64, joined_at: u64, deadline: Instant) -> Result<Vec<FeedEntry>, Error> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    let mut last = after;
    while last < joined_at && bytes < BYTES && (entries.is_empty() || Instant::now() < deadline) {
        let page = state.store.feed(last, joined_at, PAGE).await?;
        let Some(newest) = page.last() else { break };
        last = newest.position;
        bytes += page.iter().map(|entry| entry.notification.len()).sum::<usize>();
        entries.extend(page);
    }
    Ok(entries)
}

impl History {
    fn lost(reason: GapReason, from: From, joined_at: u64) -> Self {
        Self { begin: joined_at, missing: Some(Gap { reason, from, to: joined_at }), ..Self::default() }
    }

    /// Says where the entries leave something out.
    fn assemble(after: u64, joined_at: u64, entries: Vec<FeedEntry>) -> Self {
        let oldest = entries.first().map_or(joined_at + 1, |entry| entry.position);
        let newest = entries.last().map_or(joined_at, |entry| entry.position);
        let gap = |reason, from, to| Gap { reason, from: From::Position(from), to };
        Self {
            begin: after,
            missing: (oldest > after + 1).then(|| gap(GapReason::Trimmed, after, oldest - 1)),
            cut: (newest < joined_at).then(|| gap(GapReason::Limit, newest, joined_at)),
            entries,
        }
    }

    /// The frames, entries of other channels left out.
    pub(crate) fn frames(&self, epoch: Uuid, channels: Option<&HashSet<String>>) -> Vec<Bytes> {
        let wanted = |entry: &&FeedEntry| channels.is_none_or(|channels| channels.contains(&entry.channel));
        let missing = self.missing.iter().map(|gap| gap.frame(epoch));
        let entries = self.entries.iter().filter(wanted).map(|entry| notification_frame(epoch, entry));
        let cut = self.cut.iter().map(|gap| gap.frame(epoch));
        missing.chain(entries).chain(cut).collect()
    }
}

impl Gap {
    fn frame(&self, epoch: Uuid) -> Bytes {
        let cursor = |position| FeedCursor { epoch, position }.to_string();
        let from = match &self.from {
            From::Position(position) => cursor(*position),
            From::Text(text) => text.clone(),
        };
        let to = cursor(self.to);
        let data = json!({ "reason": self.reason.name(), "from": from, "to": to });
        Frame::new().event("gap").id(&to).data(&data.to_string()).encode()
    }
}

#[cfg(test)]
mod tests;
