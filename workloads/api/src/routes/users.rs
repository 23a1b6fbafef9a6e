//! `/api/users/{user}/notifications`: the inbox of a user, which is the channel `user:<user>`, and what of it was read.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use realtime_access::{Access, Refusal};
use realtime_chassis::propagation;
use realtime_contract::{
    channel::{is_user, of_user},
    event::Notification,
    time::milliseconds,
};
use serde::{Serialize, Serializer};
use tracing::Span;
use uuid::Uuid;

use super::notifications::{InboxQuery, linked, not_read};
use crate::{
    caller::Caller,
    error::ApiError,
    state::ApiState,
    store::{self, COUNTED, Stored},
};

/// How many notifications the user has not read.
const UNREAD_COUNT: HeaderName = HeaderName::from_static("x-unread-count");
/// Stands for the user of the token.
const ME: &str = "me";

/// A notification of an inbox.
#[derive(Debug, Serialize)]
pub(crate) struct InboxNotification {
    #[serde(flatten)]
    notification: Notification,
    /// When its user read it; `null` until then.
    #[serde(rename = "readAt", serialize_with = "read_at")]
    read_at: Option<Timestamp>,
}

fn read_at<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(milliseconds).serialize(serializer)
}

impl From<Stored> for InboxNotification {
    fn from(Stored { notification, read_at }: Stored) -> Self {
        Self { notification, read_at }
    }
}

/// How many notifications were marked.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Marked {
    changed: usize,
    /// Whether there was time for all of them; if not, the request can be made again.
    complete: bool,
}

/// `GET`: the inbox, newest first.
pub(crate) async fn inbox(
    State(state): State<ApiState>,
    Caller(access): Caller,
    user: Result<Path<String>, PathRejection>,
    query: Result<Query<InboxQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::malformed_query(&InboxQuery::NAMES, &rejection))?;
    let user = permitted(user.map(|Path(user)| user), &access)?;
    let request = query.request(&user, &access)?;
    let channel = of_user(&user);
    let list = state.store.list(&request.selection, request.before, request.limit);
    let (listed, unread) = tokio::try_join!(list, state.store.unread(&channel)).map_err(not_read)?;
    let notifications: Vec<InboxNotification> = listed.rows.into_iter().map(Into::into).collect();
    let mut response = Json(notifications).into_response();
    response.headers_mut().insert(UNREAD_COUNT, unread_count(unread));
    Ok(linked(response, listed.next.map(|cursor| request.address.next_page(&cursor))))
}

fn unread_count(unread: i64) -> HeaderValue {
    if unread > COUNTED { HeaderValue::from_static("1000+") } else { HeaderValue::from(unread) }
}

/// `PUT`: marks a notification of the inbox as read.
pub(crate) async fn read(
    state: State<ApiState>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<InboxNotification>, ApiError> {
    mark(state, caller, path, true).await
}

/// `DELETE`: marks it as unread.
pub(crate) async fn unread(
    state: State<ApiState>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<InboxNotification>, ApiError> {
    mark(state, caller, path, false).await
}

async fn mark(
    State(state): State<ApiState>,
    Caller(access): Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    is_read: bool,
) -> Result<Json<InboxNotification>, ApiError> {
    let (user, id) = path.map(|Path((user, id))| (Ok(user), id)).unwrap_or_else(|error| (Err(error), String::new()));
    let channel = of_user(&permitted_to_mark(user, &access)?);
    let id = Uuid::try_parse(&id).map_err(|_| ApiError::InvalidParameter { name: "id", reason: "must be a UUID" })?;
    state.store.mark(&channel, id, is_read, &propagation::carrier(&Span::current())).await.map_err(not_marked)?;
    let stored = state.store.notification(id).await.map_err(not_read)?;
    let stored = stored.filter(|stored| stored.notification.channel == channel);
    stored.map(|stored| Json(stored.into())).ok_or(ApiError::UnknownNotification)
}

/// `PUT`: marks all notifications of the inbox as read that are there by now.
pub(crate) async fn read_all(
    State(state): State<ApiState>,
    Caller(access): Caller,
    user: Result<Path<String>, PathRejection>,
) -> Result<Json<Marked>, ApiError> {
    let channel = of_user(&permitted_to_mark(user.map(|Path(user)| user), &access)?);
    let trace_context = propagation::carrier(&Span::current());
    let marked = state.store.mark_all_read(&channel, Timestamp::now(), &trace_context).await.map_err(not_marked)?;
    Ok(Json(Marked { changed: marked.changed, complete: marked.is_all }))
}

fn not_marked(error: store::Error) -> ApiError {
    ApiError::unavailable("postgres", "it is unknown what was marked, and a retry is safe", error)
}

/// The user of the path, whose inbox the client may read.
fn permitted(user: Result<String, PathRejection>, access: &Access) -> Result<String, ApiError> {
    let invalid = |reason| ApiError::InvalidParameter { name: "user", reason };
    let user = user.map_err(|_| invalid("cannot be read"))?;
    let user = match (user.as_str(), access.user.as_deref()) {
        (ME, Some(own)) => own.to_owned(),
        (ME, None) => return Err(invalid("me stands for the user of a token, and there is none")),
        _ => user,
    };
    if !is_user(&user) {
        return Err(invalid("must have 1 to 123 characters of A-Z a-z 0-9 . _ : / - @ | + = ~"));
    }
    if !access.may_subscribe(&of_user(&user)) {
        return Err(Refusal::User.into());
    }
    Ok(user)
}

/// The user of the path, in whose inbox the client may mark what it may read there: its own, or one to which it may publish. Who only listens
/// to others changes nothing of theirs.
fn permitted_to_mark(user: Result<String, PathRejection>, access: &Access) -> Result<String, ApiError> {
    let user = permitted(user, access)?;
    let is_own = access.user.as_deref() == Some(&*user);
    if is_own || access.may_publish(&of_user(&user)) { Ok(user) } else { Err(Refusal::User.into()) }
}

#[cfg(test)]
mod tests {
    use realtime_access::Scope;
    use realtime_contract::channel::Pattern;
    use realtime_contract::event::NotificationStatus;

    use super::*;

    fn user(name: &str) -> Access {
        Access { user: Some(name.into()), subscribe: Scope::Patterns(Default::default()), ..Access::anonymous() }
    }

    fn refusal(user: &str, access: &Access) -> String {
        permitted(Ok(user.to_owned()), access).unwrap_err().to_string()
    }

    #[test]
    fn a_user_has_its_own_inbox_and_no_other() {
        assert_eq!(permitted(Ok("7".to_owned()), &user("7")).unwrap(), "7");
        assert_eq!(permitted(Ok(ME.to_owned()), &user("7")).unwrap(), "7");
        assert_eq!(refusal("8", &user("7")), "the token does not permit this user");
        assert_eq!(permitted(Ok("8".to_owned()), &Access::anonymous()).unwrap(), "8");
    }

    #[test]
    fn who_may_only_read_an_inbox_marks_nothing_in_it() {
        let every = || Scope::Patterns([Pattern::new("user:*").unwrap()].into());
        let none = || Scope::Patterns(Default::default());
        let access = |subscribe, publish| Access { subscribe, publish, ..user("7") };
        let marks = |of: &str, access: &Access| permitted_to_mark(Ok(of.to_owned()), access).is_ok();
        let (reader, own) = (access(every(), none()), access(none(), none()));
        assert!(permitted(Ok("8".to_owned()), &reader).is_ok() && !marks("8", &reader));
        assert!(marks("7", &reader) && marks(ME, &own) && !marks("8", &own));
        assert!(marks("8", &access(every(), every())) && !marks("8", &access(none(), every())));
        assert!(marks("8", &Access::anonymous()));
    }

    #[test]
    fn refuses_what_is_no_user() {
        assert!(refusal(ME, &Access::anonymous()).starts_with("user me stands for the user of a token"));
        assert!(refusal("a b", &Access::anonymous()).starts_with("user must have 1 to 123 characters"));
    }

    #[test]
    fn tells_when_a_notification_was_read_behind_its_own_fields() {
        let notification = Notification {
            id: Uuid::nil(),
            message: "hello".to_owned(),
            kind: "info".to_owned(),
            channel: "user:7".to_owned(),
            status: NotificationStatus::Processed,
            timestamp: "2026-11-21T06:00:00.123Z".parse().unwrap(),
            data: Some(realtime_contract::event::JsonText::from_text("{\"a\": 1.50}".to_owned()).unwrap()),
        };
        let text = |read_at: Option<&str>| {
            let read_at = read_at.map(|time| time.parse().unwrap());
            serde_json::to_string(&InboxNotification { notification: notification.clone(), read_at }).unwrap()
        };
        let text_unread = text(None);
        assert!(text_unread.ends_with(r#""data":{"a": 1.50},"readAt":null}"#), "{text_unread}");
        assert!(text(Some("2026-11-21T06:00:01Z")).ends_with(r#""readAt":"2026-11-21T06:00:01.000Z"}"#));
    }

    #[test]
    fn counts_up_to_a_thousand() {
        let count = |unread| unread_count(unread).to_str().unwrap().to_owned();
        assert_eq!([count(0), count(1_000), count(1_001)], ["0", "1000", "1000+"]);
    }
}
