//! Pages of the list, as they are asked for and answered.

use axum::http::HeaderValue;
use realtime_contract::event::Notification;
use serde::Deserialize;

use crate::{
    cache::{Key, Page},
    cursor::PageCursor,
    error::ApiError,
};

const DEFAULT_LIMIT: i64 = 50;
const MAXIMUM_LIMIT: i64 = 200;

/// Parameters of the query, as text: what is wrong with them is said by name.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

/// A page that can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PageRequest {
    pub(crate) limit: i64,
    pub(crate) before: Option<PageCursor>,
}

impl TryFrom<PageQuery> for PageRequest {
    type Error = ApiError;

    fn try_from(query: PageQuery) -> Result<Self, ApiError> {
        let limit = match query.limit {
            None => DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAXIMUM_LIMIT).contains(limit))
                .ok_or(ApiError::InvalidParameter { name: "limit", reason: "must be a number from 1 to 200" })?,
        };
        let malformed = ApiError::InvalidParameter { name: "cursor", reason: "is none that this API gave" };
        let before = query.cursor.map(|text| text.parse()).transpose().map_err(|_| malformed)?;
        Ok(Self { limit, before })
    }
}

impl PageRequest {
    /// Under which the page is kept. Only the newest one is: older ones are read once.
    pub(crate) fn key(&self) -> Option<Key> {
        if self.before.is_some() { None } else { Key::of(&self.limit) }
    }

    /// The first of what was read; more `found` than that means another page.
    pub(crate) fn page(&self, mut read: Vec<Notification>, found: usize) -> Page {
        read.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        let more = found > read.len();
        let last = read.last().filter(|_| more).map(|last| PageCursor { timestamp: last.timestamp, id: last.id });
        let json = serde_json::to_vec(&read).expect("a notification holds nothing that JSON cannot say");
        Page { link: last.map(|cursor| self.link(&cursor)), json: json.into() }
    }

    /// Value of the `Link` header that leads to the next page.
    fn link(&self, cursor: &PageCursor) -> HeaderValue {
        let link = format!("</api/notifications?limit={}&cursor={cursor}>; rel=\"next\"", self.limit);
        HeaderValue::try_from(link).expect("numbers and a cursor are visible ASCII")
    }
}

#[cfg(test)]
mod tests {
    use realtime_contract::event::NotificationStatus;
    use uuid::Uuid;

    use super::*;

    fn request(limit: Option<&str>, cursor: Option<&str>) -> Result<PageRequest, ApiError> {
        PageQuery { limit: limit.map(Into::into), cursor: cursor.map(Into::into) }.try_into()
    }

    fn notification(number: u128) -> Notification {
        Notification {
            id: Uuid::from_u128(number),
            message: "hello".to_owned(),
            kind: "info".to_owned(),
            channel: "default".to_owned(),
            status: NotificationStatus::Processed,
            timestamp: "2026-11-21T06:00:00.123Z".parse().unwrap(),
            data: None,
        }
    }

    #[test]
    fn has_a_default_and_bounds() {
        assert_eq!(request(None, None).unwrap(), PageRequest { limit: 50, before: None });
        assert_eq!(request(Some("200"), None).unwrap().limit, 200);
        for limit in ["0", "201", "-1", "many", ""] {
            assert_eq!(request(Some(limit), None).unwrap_err().to_string(), "limit must be a number from 1 to 200");
        }
    }

    #[test]
    fn refuses_a_cursor_that_is_none() {
        assert_eq!(request(None, Some("x")).unwrap_err().to_string(), "cursor is none that this API gave");
    }

    #[test]
    fn leads_to_the_next_page_only_if_there_is_one() {
        let found: Vec<Notification> = (1..=3).map(notification).collect();
        let asked = |limit| request(Some(limit), None).unwrap();
        assert_eq!(asked("3").page(found.clone(), 3).link, None);
        let page = asked("2").page(found, 3);
        let cursor = "1795240800123-00000000-0000-0000-0000-000000000002";
        assert_eq!(page.link.unwrap(), format!("</api/notifications?limit=2&cursor={cursor}>; rel=\"next\""));
        assert_eq!(serde_json::from_slice::<Vec<Notification>>(&page.json).unwrap().len(), 2);
    }

    #[test]
    fn leads_on_from_a_page_that_its_bytes_ended_early() {
        let link = request(None, None).unwrap().page(vec![notification(2)], 2).link.unwrap();
        assert!(link.to_str().unwrap().contains("cursor=1795240800123-00000000-0000-0000-0000-000000000002"));
    }

    #[test]
    fn is_kept_by_its_limit_if_it_is_the_newest() {
        let key = |limit, cursor| request(limit, cursor).unwrap().key();
        assert_eq!(key(None, None), key(Some("50"), None));
        assert_ne!(key(None, None), key(Some("51"), None));
        assert_eq!(key(None, Some("1795240800123-00000000-0000-0000-0000-000000000002")), None);
    }
}
