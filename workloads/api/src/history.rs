//! What a client missed, read from Postgres within limits.

use std::{error::Error as StdError, sync::atomic::Ordering, time::Duration};

use realtime_contract::feed::FeedEntry;
use realtime_fanout::{
    Filter, Seen, Start,
    opening::{self, Held},
};
use thiserror::Error;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout_at},
};
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::{
    cursor::FeedCursor,
    feed::{draft, position, vector},
    resume::{GapReason, Resume},
    state::ApiState,
    store::{self, FeedPage},
};

/// Positions that one connection replays at most.
const EVENTS: u64 = 10_000;
/// Bytes that one connection replays at most.
const BYTES: usize = 16 * 1024 * 1024;
const PAGE: FeedPage = FeedPage { entries: 500, bytes: 2 * 1024 * 1024 };
/// How long a client waits for its turn and its history; then it is sent away, or goes on with what was read.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a client missed cannot be read now.
#[derive(Debug, Error)]
enum Error {
    /// Postgres does not serve.
    #[error("failed to read the feed from Postgres")]
    ReadStore(#[from] store::Error),
    /// Others keep all the permits.
    #[error("failed to have a turn in time: other histories are read, or wait for their clients")]
    AwaitTurn,
}

/// What stands between the greeting and what is in memory, in no form yet.
#[derive(Debug)]
pub(crate) struct History {
    range: Range,
    /// Before the entries: they do not begin where the client ended.
    missing: Option<Gap>,
    entries: Vec<FeedEntry>,
    /// Behind the entries: they end before the history does.
    cut: Option<Gap>,
    /// To be held until the history is sent, so that no more histories than permits are in memory.
    permit: Option<OwnedSemaphorePermit>,
}

/// A part of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// What the client missed.
    Entry(&'a FeedEntry),
    /// What it does not get.
    Gap(&'a Gap),
}

/// Where a history stands in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// The client is new: there is none.
    Live,
    /// There is none to be read: what comes behind this position is in memory.
    Memory(u64),
    /// Behind the first position, up to the second.
    Read(u64, u64),
}

/// A part of the feed that the client does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) reason: GapReason,
    /// The client's last position before it, in its own words.
    from: From,
    /// The client goes on behind this position.
    pub(crate) to: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Position(u64),
    Text(String),
}

/// What the client missed; `None` when that cannot be read now, which is logged once an outage and not for each client.
pub(crate) async fn find(state: &ApiState, resume: Resume, epoch: Uuid) -> Option<History> {
    let found = match credible(state, resume, epoch).await {
        Ok(resume) => read(state, resume).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(history) => {
            // Those that need none say nothing about it.
            if history.permit.is_some() && state.without_history.swap(false, Ordering::Relaxed) {
                info!("history can be read again");
            }
            Some(history)
        }
        Err(error) => {
            let error = &error as &dyn StdError;
            if state.without_history.swap(true, Ordering::Relaxed) {
                debug!(error, "history cannot be read, client sent away");
            } else {
                warn!(error, "history cannot be read, clients are sent away");
            }
            None
        }
    }
}

/// A position that this replica has not reached may be another replica's news, or an invention: the feed itself knows.
async fn credible(state: &ApiState, resume: Resume, epoch: Uuid) -> Result<Resume, Error> {
    let Resume::Behind(asked) = resume else { return Ok(resume) };
    if asked <= position(&state.engine.vector()) || asked <= state.store.feed_state().await?.position {
        return Ok(resume);
    }
    Ok(Resume::Lost { reason: GapReason::Invalid, from: cursor(epoch, asked) })
}

/// Reads what lies between the client's position and that of this replica, unless memory has it.
async fn read(state: &ApiState, resume: Resume) -> Result<History, Error> {
    let newest = position(&state.engine.vector());
    let after = match resume {
        Resume::Live => return Ok(History::empty(Range::Live)),
        Resume::Lost { reason, from } => return Ok(History::lost(reason, From::Text(from), newest)),
        Resume::Behind(position) => position,
    };
    if after >= newest || state.engine.covers(&vector(after)) {
        // The client may have seen more than this replica has: the engine skips what it saw.
        return Ok(History::empty(Range::Memory(after)));
    }
    if newest - after > EVENTS {
        return Ok(History::lost(GapReason::Limit, From::Position(after), newest));
    }
    let deadline = Instant::now() + PATIENCE;
    let permit = timeout_at(deadline, state.replays.clone().acquire_owned()).await.map_err(|_| Error::AwaitTurn)?;
    let permit = permit.expect("the semaphore is never closed");
    let entries = entries(state, after, newest, deadline).await?;
    Ok(History { permit: Some(permit), ..History::assemble(after, newest, entries) })
}

/// The entries behind `after`, until their bytes or the time are used up; one page at least. They have no hole: they end before what was
/// trimmed between two pages.
async fn entries(state: &ApiState, after: u64, newest: u64, deadline: Instant) -> Result<Vec<FeedEntry>, Error> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    let mut last = after;
    while last < newest && bytes < BYTES && (entries.is_empty() || Instant::now() < deadline) {
        let page = state.store.feed(last, newest, PAGE).await?;
        let Some(newest) = page.last().filter(|_| goes_on(&entries, &page)) else { break };
        last = newest.position;
        bytes += page.iter().map(|entry| entry.notification.len()).sum::<usize>();
        entries.extend(page);
    }
    Ok(entries)
}

/// Whether a page begins where the entries end. Before the first page there are none, and what is missing there is told.
fn goes_on(entries: &[FeedEntry], page: &[FeedEntry]) -> bool {
    let [end, begin] = [entries.last(), page.first()].map(|entry| entry.map(|entry| entry.position));
    end.is_none_or(|end| begin == Some(end + 1))
}

impl History {
    const fn empty(range: Range) -> Self {
        Self { range, missing: None, entries: Vec::new(), cut: None, permit: None }
    }

    fn lost(reason: GapReason, from: From, newest: u64) -> Self {
        Self { missing: Some(Gap { reason, from, to: newest }), ..Self::empty(Range::Read(newest, newest)) }
    }

    /// Says where the entries leave something out.
    fn assemble(after: u64, newest: u64, entries: Vec<FeedEntry>) -> Self {
        let first = entries.first().map_or(newest + 1, |entry| entry.position);
        let last = entries.last().map_or(newest, |entry| entry.position);
        let gap = |reason, from, to| Gap { reason, from: From::Position(from), to };
        Self {
            missing: (first > after + 1).then(|| gap(GapReason::Trimmed, after, first - 1)),
            cut: (last < newest).then(|| gap(GapReason::Limit, last, newest)),
            entries,
            ..Self::empty(Range::Read(after, newest))
        }
    }

    /// Where the stream begins, and where memory goes on behind the history.
    pub(crate) fn start(&self) -> Start {
        let (seen, from, source) = match self.range {
            Range::Live => return Start::Live,
            Range::Memory(after) => (after, after, opening::Resume::Ring),
            Range::Read(after, until) if self.is_whole() => (after, until, opening::Resume::Log),
            Range::Read(after, until) => (after, until, opening::Resume::Gap),
        };
        let seen = match self.missing.as_ref().map(|gap| &gap.from) {
            None => Seen::Below(vector(seen)),
            Some(From::Position(position)) => Seen::Below(vector(*position)),
            Some(From::Text(text)) => Seen::Said(text.clone()),
        };
        Start::After { seen, from: vector(from), source }
    }

    /// Whether the client misses nothing.
    pub(crate) const fn is_whole(&self) -> bool {
        self.missing.is_none() && self.cut.is_none()
    }

    /// The cursor that the client has before the history. Before a gap it is the client's own: cut off between the two, it comes back with
    /// it and is told again. `None` for a new client.
    pub(crate) fn seen(&self, epoch: Uuid) -> Option<String> {
        match (self.range, &self.missing) {
            (_, Some(gap)) => Some(gap.from(epoch)),
            (Range::Live, None) => None,
            (Range::Memory(after) | Range::Read(after, _), None) => Some(cursor(epoch, after)),
        }
    }

    /// Its parts in order, entries left out that do not pass the filter.
    pub(crate) fn pieces(&self, filter: &Filter) -> impl Iterator<Item = Piece<'_>> {
        let wanted = |entry: &&FeedEntry| {
            let draft = draft(entry);
            filter.passes(draft.channel, draft.kind, draft.data)
        };
        let entries = self.entries.iter().filter(wanted).map(Piece::Entry);
        self.missing.iter().map(Piece::Gap).chain(entries).chain(self.cut.iter().map(Piece::Gap))
    }

    /// What is to be held until it is sent.
    pub(crate) fn into_held(self) -> Option<Held> {
        self.permit.map(|permit| Box::new(permit) as Held)
    }
}

impl Gap {
    /// What a client is told that asks for something that cannot be given, and goes on behind `newest`.
    #[cfg(test)]
    pub(crate) fn of(resume: Resume, newest: u64) -> Option<Self> {
        let Resume::Lost { reason, from } = resume else { return None };
        Some(Self { reason, from: From::Text(from), to: newest })
    }

    /// Where the client was, as it is told.
    pub(crate) fn from(&self, epoch: Uuid) -> String {
        match &self.from {
            From::Position(position) => cursor(epoch, *position),
            From::Text(text) => text.clone(),
        }
    }
}

fn cursor(epoch: Uuid, position: u64) -> String {
    FeedCursor { epoch, position }.to_string()
}

#[cfg(test)]
mod tests;
