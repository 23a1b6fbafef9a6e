//! Several notifications in one body.

use std::collections::BTreeMap;

use realtime_access::Access;
use serde_json::value::RawValue;

use super::{BODY_LIMIT, Draft, WHOLE};
use crate::error::ApiError;

/// Bytes of the body at most.
pub(crate) const BATCH_LIMIT: usize = 1024 * 1024;
/// Notifications at most.
const COUNT: usize = 100;

const FIELD: &str = "notifications";

/// Reads the body `{"notifications":[…]}`: 1 to 100, each of them as it could be posted alone. What is wrong is named `notifications[3].message`.
pub(crate) fn read(body: &[u8]) -> Result<Vec<Draft>, ApiError> {
    let malformed = |error: serde_json::Error| ApiError::MalformedBody { reason: error.to_string() };
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body).map_err(|error| match error.is_data() {
        true => ApiError::field(WHOLE, "must be a JSON object"),
        false => malformed(error),
    })?;
    let list = fields.get(FIELD).filter(|list| list.get() != "null");
    let list = list.ok_or_else(|| ApiError::field(FIELD, "is missing"))?;
    let list: Vec<&RawValue> =
        serde_json::from_str(list.get()).map_err(|_| ApiError::field(FIELD, "must be a list of notifications"))?;
    if !(1..=COUNT).contains(&list.len()) {
        return Err(ApiError::field(FIELD, "must have 1 to 100 entries"));
    }
    let draft = |(index, text): (usize, &&RawValue)| {
        if text.get().len() > BODY_LIMIT {
            return Err(ApiError::field(place(index), "must have at most 65536 bytes"));
        }
        let value = serde_json::from_str(text.get()).map_err(malformed)?;
        Draft::from_value(value).map_err(|error| error.within(WHOLE, &place(index)))
    };
    list.iter().enumerate().map(draft).collect()
}

/// Refuses what the client may not publish.
pub(crate) fn permit(drafts: &[Draft], access: &Access) -> Result<(), ApiError> {
    let permit =
        |(index, draft): (usize, &Draft)| draft.permit(access).map_err(|error| error.within(WHOLE, &place(index)));
    drafts.iter().enumerate().try_for_each(permit)
}

/// The name of an entry.
fn place(index: usize) -> String {
    format!("{FIELD}[{index}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        read(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn reads_notifications_in_their_order() {
        let drafts = read(br#"{"notifications":[{"message":"a"},{"message":"b","user":"7"}],"other":1}"#).unwrap();
        let read: Vec<_> = drafts.iter().map(|draft| (draft.message.as_str(), draft.channel.as_str())).collect();
        assert_eq!(read, [("a", "default"), ("b", "user:7")]);
    }

    #[test]
    fn names_the_entry_that_is_wrong_and_its_field() {
        let cases = [
            (r#"{"notifications":[{"message":"a"},{"message":7}]}"#, "notifications[1].message must be a string"),
            (r#"{"notifications":[{"message":"a"},7]}"#, "notifications[1] must be a JSON object"),
            (r#"{"notifications":[]}"#, "notifications must have 1 to 100 entries"),
            (r#"{"notifications":{}}"#, "notifications must be a list of notifications"),
            (r#"{"notifications":null}"#, "notifications is missing"),
            ("{}", "notifications is missing"),
            ("[[]]", "body must be a JSON object"),
        ];
        for (body, reason) in cases {
            assert_eq!(refusal(body), reason);
        }
        assert!(refusal(r#"{"notifications":["#).starts_with("the body is not valid JSON"));
    }

    #[test]
    fn has_a_bound_on_entries_and_on_each_of_them() {
        let body = |count: usize, message: &str| {
            let list = vec![serde_json::json!({ "message": message }); count];
            serde_json::json!({ "notifications": list }).to_string()
        };
        assert_eq!(read(body(100, "m").as_bytes()).unwrap().len(), 100);
        assert_eq!(refusal(&body(101, "m")), "notifications must have 1 to 100 entries");
        assert_eq!(refusal(&body(1, &"m".repeat(BODY_LIMIT))), "notifications[0] must have at most 65536 bytes");
    }
}
