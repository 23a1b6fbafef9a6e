//! Pages, as they are asked for.

mod link;

use std::collections::BTreeSet;

use axum::http::HeaderValue;
use realtime_access::{Access, Refusal};
use realtime_contract::{
    channel::{is_channel, of_user},
    event::NotificationStatus,
};
use serde::Deserialize;
use uuid::Uuid;

use self::link::Link;
use crate::{
    cache::Key,
    cursor::PageCursor,
    draft::TYPE_LENGTH,
    error::ApiError,
    selection::{Channels, Selection},
    store::Happening,
};

const DEFAULT_LIMIT: usize = 50;
const MAXIMUM_LIMIT: usize = 200;
/// Values of one filter at most.
const VALUES: usize = 64;

const LIST: &str = "/api/notifications";

/// Parameters of the list, as text: what is wrong with them is said by name.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    /// 1 to 200, by default 50.
    limit: Option<String>,
    /// Where the page begins, from the `Link` of the page before.
    cursor: Option<String>,
    /// Names of channels, by comma.
    channel: Option<String>,
    /// Types, by comma.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `pending` or `processed`.
    status: Option<String>,
}

/// Parameters of an inbox.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct InboxQuery {
    /// 1 to 200, by default 50.
    limit: Option<String>,
    /// Where the page begins, from the `Link` of the page before.
    cursor: Option<String>,
    /// Types, by comma.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `true` or `false`.
    read: Option<String>,
}

/// Parameters of a history.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct HistoryQuery {
    /// 1 to 200, by default 50.
    limit: Option<String>,
    /// Where the page begins, from the `Link` of the page before.
    cursor: Option<String>,
}

/// A page that can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PageRequest {
    pub(crate) limit: usize,
    pub(crate) before: Option<PageCursor>,
    pub(crate) selection: Selection,
    /// The address of the page without its cursor: each client's own, also where the page is shared.
    pub(crate) address: Link,
}

impl ListQuery {
    pub(crate) const NAMES: [&str; 5] = ["limit", "cursor", "channel", "type", "status"];

    /// What it asks for, of what the client may read.
    pub(crate) fn request(self, access: &Access) -> Result<PageRequest, ApiError> {
        let (limit, before) = (limit(self.limit)?, cursor(self.cursor)?);
        let names = values("channel", self.channel.as_deref(), is_channel, CHANNELS)?;
        let kinds = values("type", self.kind.as_deref(), is_type, TYPES)?;
        let status = self.status.as_deref().map(status).transpose()?;
        let mut address = Link::to(LIST).with("limit", &limit.to_string());
        for (name, values) in [("channel", &names), ("type", &kinds)] {
            address = address.with_all(name, values.as_ref());
        }
        if let Some(status) = status {
            address = address.with("status", status.name());
        }
        let channels = match names {
            None => Channels::readable(access),
            Some(names) => Channels::named(names, access)?,
        };
        let selection = Selection { kinds: kinds.map(Vec::from_iter), status, ..Selection::of(channels) };
        Ok(PageRequest { limit, before, selection, address })
    }
}

impl InboxQuery {
    pub(crate) const NAMES: [&str; 4] = ["limit", "cursor", "type", "read"];

    /// What it asks for of the inbox of that user.
    pub(crate) fn request(self, user: &str, access: &Access) -> Result<PageRequest, ApiError> {
        let (limit, before) = (limit(self.limit)?, cursor(self.cursor)?);
        let kinds = values("type", self.kind.as_deref(), is_type, TYPES)?;
        let read = self.read.as_deref().map(truth).transpose()?;
        let path = format!("/api/users/{}/notifications", link::encoded(user));
        let mut address = Link::to(&path).with("limit", &limit.to_string()).with_all("type", kinds.as_ref());
        if let Some(read) = read {
            address = address.with("read", &read.to_string());
        }
        let channels = Channels::named(BTreeSet::from([of_user(user)]), access).map_err(|_| Refusal::User)?;
        let selection = Selection { kinds: kinds.map(Vec::from_iter), read, ..Selection::of(channels) };
        Ok(PageRequest { limit, before, selection, address })
    }
}

impl PageRequest {
    /// Under which the page is kept. Only the newest one is: older ones are read once. None either of what is asked for by one user's name: there
    /// would be as many pages as users, who would drive those out that are shared.
    pub(crate) fn key(&self) -> Option<Key> {
        let is_shared = self.before.is_none() && !self.selection.channels.names_users();
        if is_shared { Key::of(&(self.limit, &self.selection)) } else { None }
    }
}

/// A part of a history that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HistoryRequest {
    limit: usize,
    /// The place behind which it begins.
    pub(crate) after: i64,
}

impl HistoryQuery {
    pub(crate) const NAMES: [&str; 2] = ["limit", "cursor"];
}

impl TryFrom<HistoryQuery> for HistoryRequest {
    type Error = ApiError;

    fn try_from(query: HistoryQuery) -> Result<Self, ApiError> {
        let is_digits = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
        let after = query.cursor.map(|text| Some(text).filter(is_digits).and_then(|text| text.parse().ok()));
        Ok(Self { limit: limit(query.limit)?, after: after.unwrap_or(Some(0)).ok_or(FOREIGN_CURSOR)? })
    }
}

impl HistoryRequest {
    /// One more than asked for tells whether there is another page.
    pub(crate) fn read_limit(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// Leaves as many as were asked for, and leads to the others.
    pub(crate) fn link(&self, id: Uuid, read: &mut Vec<Happening>) -> Option<HeaderValue> {
        if read.len() <= self.limit {
            return None;
        }
        read.truncate(self.limit);
        let last = read.last()?.ordinal.to_string();
        let address = Link::to(&format!("{LIST}/{id}/events")).with("limit", &self.limit.to_string());
        Some(address.with("cursor", &last).next())
    }
}

const FOREIGN_CURSOR: ApiError = ApiError::InvalidParameter { name: "cursor", reason: "is none that this API gave" };
const CHANNELS: &str = "must be 1 to 64 names of channels by comma";
const TYPES: &str = "must be 1 to 64 types by comma, each of 1 to 64 characters";

fn limit(text: Option<String>) -> Result<usize, ApiError> {
    let Some(text) = text else { return Ok(DEFAULT_LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=MAXIMUM_LIMIT).contains(limit));
    limit.ok_or(ApiError::InvalidParameter { name: "limit", reason: "must be a number from 1 to 200" })
}

fn cursor(text: Option<String>) -> Result<Option<PageCursor>, ApiError> {
    text.map(|text| text.parse()).transpose().map_err(|_| FOREIGN_CURSOR)
}

fn status(text: &str) -> Result<NotificationStatus, ApiError> {
    let known = [NotificationStatus::Pending, NotificationStatus::Processed];
    let found = known.into_iter().find(|status| status.name() == text);
    found.ok_or(ApiError::InvalidParameter { name: "status", reason: "must be pending or processed" })
}

fn truth(text: &str) -> Result<bool, ApiError> {
    text.parse().map_err(|_| ApiError::InvalidParameter { name: "read", reason: "must be true or false" })
}

/// The values of a filter, which counts as absent when it has none.
fn values(
    name: &'static str,
    text: Option<&str>,
    is_value: fn(&str) -> bool,
    reason: &'static str,
) -> Result<Option<BTreeSet<String>>, ApiError> {
    let parts = text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
    let values: BTreeSet<String> = parts.map(str::to_owned).collect();
    if values.len() > VALUES || !values.iter().all(|value| is_value(value)) {
        return Err(ApiError::InvalidParameter { name, reason });
    }
    Ok(Some(values).filter(|values| !values.is_empty()))
}

fn is_type(text: &str) -> bool {
    (1..=TYPE_LENGTH).contains(&text.chars().count()) && !text.contains('\0')
}

#[cfg(test)]
mod tests;
