use realtime_access::Scope;
use realtime_contract::{channel::Pattern, event::JsonText};

use super::*;

const CURSOR: &str = "1795240800123-00000000-0000-0000-0000-000000000002";

fn texts(values: [Option<&str>; 5]) -> ListQuery {
    let [limit, cursor, channel, kind, status] = values.map(|value| value.map(str::to_owned));
    ListQuery { limit, cursor, channel, kind, status }
}

fn request(query: ListQuery) -> Result<PageRequest, ApiError> {
    query.request(&Access::anonymous())
}

fn sized(limit: Option<&str>, cursor: Option<&str>) -> Result<PageRequest, ApiError> {
    request(texts([limit, cursor, None, None, None]))
}

fn filtered(channel: Option<&str>, kind: Option<&str>, status: Option<&str>) -> Result<PageRequest, ApiError> {
    request(texts([None, None, channel, kind, status]))
}

fn inbox(user: &str, access: &Access, read: &str) -> Result<PageRequest, ApiError> {
    let query = InboxQuery { read: Some(read.to_owned()), ..InboxQuery::default() };
    query.request(user, access)
}

fn user(name: &str) -> Access {
    let patterns = BTreeSet::from([Pattern::every()]);
    Access { user: Some(name.into()), subscribe: Scope::Patterns(patterns), ..Access::anonymous() }
}

/// Who may read those channels; without a name, nothing of its own.
fn reader(name: Option<&str>, patterns: &[&str]) -> Access {
    let patterns = patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
    Access { user: name.map(Into::into), subscribe: Scope::Patterns(patterns), ..Access::anonymous() }
}

#[test]
fn has_a_default_and_bounds() {
    let newest = sized(None, None).unwrap();
    assert_eq!((newest.limit, newest.before), (50, None));
    assert_eq!(sized(Some("200"), None).unwrap().limit, 200);
    for limit in ["0", "201", "-1", "many", ""] {
        assert_eq!(sized(Some(limit), None).unwrap_err().to_string(), "limit must be a number from 1 to 200");
    }
}

#[test]
fn refuses_a_cursor_that_is_none() {
    assert_eq!(sized(None, Some("x")).unwrap_err().to_string(), "cursor is none that this API gave");
}

#[test]
fn reads_filters() {
    let selection = filtered(Some("b,a, a,"), Some("info,warning"), Some("pending")).unwrap().selection;
    assert_eq!(selection.channels.names, ["a", "b"]);
    assert_eq!(selection.kinds.unwrap(), ["info", "warning"]);
    assert_eq!(selection.status, Some(NotificationStatus::Pending));
    assert_eq!(filtered(Some(""), Some(","), None).unwrap(), filtered(None, None, None).unwrap());
}

#[test]
fn refuses_filters_that_cannot_be_meant() {
    let many = (0..65).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let long = "x".repeat(65);
    let cases = [
        (filtered(Some("a b"), None, None), "channel"),
        (filtered(Some(&many), None, None), "channel"),
        (filtered(None, Some(&many), None), "type"),
        (filtered(None, Some(&long), None), "type"),
        (filtered(None, Some("a\0"), None), "type"),
        (filtered(None, None, Some("done")), "status"),
        (filtered(None, None, Some("")), "status"),
        (inbox("7", &Access::anonymous(), "yes"), "read"),
    ];
    for (refused, name) in cases {
        let ApiError::InvalidParameter { name: found, .. } = refused.unwrap_err() else { unreachable!("{name}") };
        assert_eq!(found, name);
    }
}

#[test]
fn leads_to_the_next_page_with_its_filters() {
    let link = |request: PageRequest| request.address.next_page(&CURSOR.parse().unwrap()).to_str().unwrap().to_owned();
    let plain = link(sized(Some("2"), None).unwrap());
    assert_eq!(plain, format!("</api/notifications?limit=2&cursor={CURSOR}>; rel=\"next\""));
    let next = link(filtered(Some("a,user:7"), Some("in fo"), Some("processed")).unwrap());
    let query = "limit=50&channel=a,user%3A7&type=in%20fo&status=processed";
    assert_eq!(next, format!("</api/notifications?{query}&cursor={CURSOR}>; rel=\"next\""));
    let next = link(inbox("a|b", &Access::anonymous(), "false").unwrap());
    assert_eq!(next, format!("</api/users/a%7Cb/notifications?limit=50&read=false&cursor={CURSOR}>; rel=\"next\""));
}

#[test]
fn is_kept_by_what_it_asks_for_if_it_is_the_newest() {
    let key = |limit, cursor| sized(limit, cursor).unwrap().key();
    assert_eq!(key(None, None), key(Some("50"), None));
    assert_ne!(key(None, None), key(Some("51"), None));
    assert_eq!(key(None, Some(CURSOR)), None);
    assert_eq!(filtered(Some("a,b"), None, None).unwrap().key(), filtered(Some("b,a"), None, None).unwrap().key());
    assert_ne!(filtered(Some("a"), None, None).unwrap().key(), filtered(None, Some("a"), None).unwrap().key());
}

#[test]
fn a_page_of_one_user_is_not_kept_and_one_that_users_share_is() {
    let key = |access: &Access| texts([None; 5]).request(access).unwrap().key();
    assert_eq!(key(&user("7")), None);
    assert!(key(&Access::anonymous()).is_some());
    assert_eq!(filtered(Some("a,user:7"), None, None).unwrap().key(), None);
    let named = |access: &Access| texts([None, None, Some("a"), None, None]).request(access).unwrap().key();
    let [first, second] = ["7", "8"].map(|name| reader(Some(name), &["a"]));
    assert!(named(&first).is_some());
    assert_eq!(named(&first), named(&second));
    assert!(key(&reader(Some("7"), &["*", "user:*"])).is_some(), "its own channel is taken by a pattern");
}

#[test]
fn two_who_share_a_page_go_on_at_their_own_addresses() {
    // One named the channel, and the other may read no other.
    let named = texts([None, None, Some("a"), None, None]).request(&reader(None, &["a"])).unwrap();
    let all = texts([None; 5]).request(&reader(None, &["a"])).unwrap();
    assert_eq!(named.key(), all.key());
    let next = |request: PageRequest| request.address.next_page(&CURSOR.parse().unwrap());
    assert_eq!(next(named), format!("</api/notifications?limit=50&channel=a&cursor={CURSOR}>; rel=\"next\""));
    assert_eq!(next(all), format!("</api/notifications?limit=50&cursor={CURSOR}>; rel=\"next\""));
}

#[test]
fn refuses_what_the_client_may_not_read() {
    let refused = texts([None, None, Some("a,user:8"), None, None]).request(&user("7")).unwrap_err();
    assert!(matches!(refused, ApiError::Refused(Refusal::Channel)), "{refused}");
    assert!(matches!(inbox("8", &user("7"), "true").unwrap_err(), ApiError::Refused(Refusal::User)));
    assert_eq!(inbox("7", &user("7"), "true").unwrap().selection.channels.names, ["user:7"]);
}

fn happening(ordinal: i64) -> Happening {
    let data = JsonText::from_text("{}".to_owned()).unwrap();
    let occurred_at = "2026-11-21T06:00:00Z".parse().unwrap();
    Happening { id: Uuid::nil(), kind: "NotificationRead".to_owned(), occurred_at, data, ordinal }
}

#[test]
fn a_history_goes_on_behind_its_last_event() {
    let query = |cursor: &str| HistoryQuery { limit: Some("2".to_owned()), cursor: Some(cursor.to_owned()) };
    let request = HistoryRequest::try_from(query("7")).unwrap();
    assert_eq!((request.after, request.read_limit()), (7, 3));
    let mut read: Vec<_> = [8, 12, 13].map(happening).into();
    let link = request.link(Uuid::nil(), &mut read).unwrap();
    assert_eq!(link, format!("</api/notifications/{}/events?limit=2&cursor=12>; rel=\"next\"", Uuid::nil()));
    assert_eq!((read.len(), request.link(Uuid::nil(), &mut read)), (2, None));
    for cursor in ["", "-1", "+1", "x", "99999999999999999999"] {
        assert!(HistoryRequest::try_from(query(cursor)).is_err(), "{cursor}");
    }
}
