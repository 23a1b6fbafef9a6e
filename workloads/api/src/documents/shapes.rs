//! The shapes of requests, answers and streamed data, as clients see them. A test compares them with what is sent.
#![expect(dead_code, reason = "only their schemas are used")]

mod requests;
mod service;
mod streams;

pub(super) use requests::{
    Batch, Change, Draft, HistoryEvent, InboxNotification, Notification, Problem, Ticket, TicketRequest,
};
pub(super) use service::{
    CacheCleared, Counter, DependencyHealth, EngineProblem, Figures, Health, Information, InstanceFigures,
    OpenConnections, Stack, StackComponent, WebsocketHealth,
};
pub(super) use streams::{
    Authentication, BroadcastProductEvent, ConnectError, Connected, ConnectionFrame, DemoError, DemoPong, Expiring,
    Gap, HeartbeatFrame, MessageAck, NotificationCreated, Pong, Product, ProductEvent, RandomString, RefusalData,
    Subscribed,
};
