//! Pages of the list, as they are asked for, answered, and cached.

use realtime_contract::event::Notification;
use serde::Deserialize;

use crate::{cursor::PageCursor, error::ApiError};

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
    /// Value of the `Link` header that leads to the next page.
    pub(crate) fn link(&self, cursor: &str) -> String {
        format!("</api/notifications?limit={}&cursor={cursor}>; rel=\"next\"", self.limit)
    }
}

/// A page: the JSON array, and the cursor of the next one if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) json: String,
    pub(crate) next: Option<String>,
}

impl Page {
    /// The first `limit` of what was read; more `found` than that means another page.
    pub(crate) fn new(mut read: Vec<Notification>, found: usize, limit: i64) -> Self {
        read.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let more = found > read.len();
        let next = read.last().filter(|_| more).map(|last| PageCursor { timestamp: last.timestamp, id: last.id });
        let json = serde_json::to_string(&read).expect("a notification holds nothing that JSON cannot say");
        Self { json, next: next.map(|cursor| cursor.to_string()) }
    }

    /// One line with the cursor, then the array.
    pub(crate) fn to_cache(&self) -> String {
        format!("{}\n{}", self.next.as_deref().unwrap_or_default(), self.json)
    }

    /// Reads what [`Page::to_cache`] wrote.
    pub(crate) fn from_cache(text: &str) -> Option<Self> {
        let (next, json) = text.split_once('\n')?;
        Some(Self { json: json.to_owned(), next: Some(next.to_owned()).filter(|next| !next.is_empty()) })
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
        assert_eq!(Page::new(found.clone(), 3, 3).next, None);
        let page = Page::new(found, 3, 2);
        let cursor = page.next.unwrap();
        assert_eq!(cursor, "1795240800123-00000000-0000-0000-0000-000000000002");
        let link = request(Some("2"), Some(&cursor)).unwrap().link(&cursor);
        assert_eq!(link, format!("</api/notifications?limit=2&cursor={cursor}>; rel=\"next\""));
        assert_eq!(serde_json::from_str::<Vec<Notification>>(&page.json).unwrap().len(), 2);
    }

    #[test]
    fn leads_on_from_a_page_that_its_bytes_ended_early() {
        let page = Page::new(vec![notification(2)], 2, 50);
        assert_eq!(page.next.unwrap(), "1795240800123-00000000-0000-0000-0000-000000000002");
    }

    #[test]
    fn comes_back_from_the_cache_as_it_went_in() {
        for limit in [1, 2] {
            let page = Page::new(vec![notification(1), notification(2)], 2, limit);
            assert_eq!(Page::from_cache(&page.to_cache()), Some(page));
        }
    }
}
