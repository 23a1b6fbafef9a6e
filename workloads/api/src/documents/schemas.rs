//! JSON Schemas of the shapes, by name.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::shapes::{self, Change};

/// What schemas of the shapes are found under.
const AT: &str = "#/components/schemas/";

/// A reference to the schema of a shape.
pub(super) fn reference<T: ToSchema>() -> Value {
    named(&T::name())
}

/// A reference to the schema of that name.
pub(super) fn named(name: &str) -> Value {
    json!({"$ref": format!("{AT}{name}")})
}

/// A list of a shape.
pub(super) fn list<T: ToSchema>() -> Value {
    json!({"type": "array", "items": reference::<T>()})
}

/// The schemas of the shapes of requests and answers.
pub(super) fn of_requests() -> Value {
    let mut schemas = Map::new();
    add::<shapes::Notification>(&mut schemas);
    add::<shapes::Draft>(&mut schemas);
    add::<shapes::Batch>(&mut schemas);
    add::<shapes::InboxNotification>(&mut schemas);
    add::<shapes::HistoryEvent>(&mut schemas);
    add::<Change>(&mut schemas);
    add::<shapes::TicketRequest>(&mut schemas);
    add::<shapes::Ticket>(&mut schemas);
    add::<shapes::Figures>(&mut schemas);
    add::<shapes::InstanceFigures>(&mut schemas);
    add::<shapes::OpenConnections>(&mut schemas);
    add::<shapes::Stack>(&mut schemas);
    add::<shapes::StackComponent>(&mut schemas);
    add::<shapes::Health>(&mut schemas);
    add::<shapes::DependencyHealth>(&mut schemas);
    add::<shapes::WebsocketHealth>(&mut schemas);
    add::<shapes::Information>(&mut schemas);
    add::<shapes::CacheCleared>(&mut schemas);
    add::<shapes::Counter>(&mut schemas);
    add::<shapes::EngineProblem>(&mut schemas);
    add::<shapes::Problem>(&mut schemas);
    Value::Object(schemas)
}

/// The schemas of what the streams carry.
pub(super) fn of_streams() -> Value {
    let mut schemas = Map::new();
    add::<shapes::Notification>(&mut schemas);
    add::<shapes::ConnectionFrame>(&mut schemas);
    add::<shapes::HeartbeatFrame>(&mut schemas);
    add::<shapes::Gap>(&mut schemas);
    add::<shapes::Expiring>(&mut schemas);
    add::<shapes::ProductEvent>(&mut schemas);
    add::<shapes::BroadcastProductEvent>(&mut schemas);
    add::<shapes::Product>(&mut schemas);
    add::<shapes::NotificationCreated>(&mut schemas);
    add::<shapes::Connected>(&mut schemas);
    add::<shapes::Pong>(&mut schemas);
    add::<shapes::MessageAck>(&mut schemas);
    add::<shapes::Subscribed>(&mut schemas);
    add::<shapes::Authentication>(&mut schemas);
    add::<shapes::RandomString>(&mut schemas);
    add::<shapes::DemoError>(&mut schemas);
    add::<shapes::DemoPong>(&mut schemas);
    add::<shapes::ConnectError>(&mut schemas);
    add::<shapes::RefusalData>(&mut schemas);
    add::<shapes::Problem>(&mut schemas);
    Value::Object(schemas)
}

fn add<T: ToSchema>(schemas: &mut Map<String, Value>) {
    let schema = serde_json::to_value(T::schema()).expect("a schema is made of texts and numbers");
    schemas.insert(T::name().into_owned(), schema);
}
