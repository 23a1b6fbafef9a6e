//! How often somebody may: token buckets, one for each limit and each who. All instances share them in Redis; while it is away, or where there
//! is none, each instance has its own.

mod bucket;
mod config;
mod local;
mod shared;

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use prometheus::{IntCounterVec, Opts, Registry};
use realtime_chassis::redis::Connection;
use realtime_contract::Component;
use thiserror::Error;

pub use self::{
    bucket::Rate,
    config::{Ineffective, LimitConfig},
};
use self::{local::Table, shared::Shared};
use crate::Access;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Every request of a client address, and every opening of a stream or session.
    Address,
    /// The same of a user.
    User,
    /// Notifications that are published.
    Publish,
    /// Openings of streams and sessions, and subscriptions to more.
    Subscribe,
}

/// Who is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who<'a> {
    /// A client address; with IPv6 its network of 64 bits, which is what a single host gets.
    Address(IpAddr),
    /// The user of a token.
    User(&'a str),
}

/// What one request takes from one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge<'a> {
    /// The limit.
    pub limit: Limit,
    /// Whose bucket.
    pub who: Who<'a>,
    /// How many.
    pub cost: u32,
}

/// Somebody may not so often. Nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many {}: come again in {} s", .limit.what(), self.seconds())]
pub struct TooMany {
    /// The limit that is reached.
    pub limit: Limit,
    /// When it is worth another try.
    pub retry_after: Duration,
}

/// Keeps the limits. Clones are the same one.
#[derive(Clone)]
pub struct Limiter(Option<Arc<Buckets>>);

struct Buckets {
    config: LimitConfig,
    /// Components share a Redis, and have limits of their own.
    component: Component,
    shared: Option<Shared>,
    local: Mutex<Table>,
    began: Instant,
    limited: IntCounterVec,
}

/// A charge with the rate of its bucket and the bucket's name.
struct Asked {
    limit: Limit,
    rate: Rate,
    name: String,
    cost: u32,
}

impl Limit {
    const ALL: [Self; 4] = [Self::Address, Self::User, Self::Publish, Self::Subscribe];

    /// For metrics and the names of buckets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::User => "user",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Address => "requests of this address",
            Self::User => "requests of this user",
            Self::Publish => "notifications",
            Self::Subscribe => "subscriptions",
        }
    }
}

impl TooMany {
    /// For programs.
    pub const CODE: &'static str = "TOO_MANY";

    /// Whole seconds of `Retry-After`, 1 at least.
    pub fn seconds(&self) -> u64 {
        (self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0)).max(1)
    }
}

impl Limiter {
    /// Nothing is limited.
    pub const fn none() -> Self {
        Self(None)
    }

    /// As configured, shared by the instances of a component through that Redis, if there is one. Registers `realtime_limited_total`.
    ///
    /// # Errors
    /// When the metric's name is taken.
    pub fn new(
        config: LimitConfig,
        component: Component,
        redis: Option<Connection>,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let opts = Opts::new("realtime_limited_total", "Requests that were refused because of a limit");
        let limited = IntCounterVec::new(opts, &["limit"])?;
        for limit in Limit::ALL {
            limited.with_label_values(&[limit.name()]);
        }
        registry.register(Box::new(limited.clone()))?;
        let began = Instant::now();
        let shared = redis.map(Shared::new);
        let buckets = Buckets { config, component, shared, local: Mutex::default(), began, limited };
        Ok(Self(Some(Arc::new(buckets))))
    }

    /// Whether that is limited here.
    pub fn limits(&self, limit: Limit) -> bool {
        self.0.as_ref().is_some_and(|buckets| buckets.config.rate(limit).is_some())
    }

    /// Takes `cost` from a bucket. What costs more than a bucket holds is let through by a full one, and paid off afterwards.
    ///
    /// # Errors
    /// [`TooMany`], and nothing is taken.
    pub async fn take(&self, limit: Limit, who: Who<'_>, cost: u32) -> Result<(), TooMany> {
        self.take_all(&[Charge { limit, who, cost }]).await
    }

    /// Takes from all of these, or from none. Costs one round trip to Redis, and none when no limit is set for any of them.
    ///
    /// # Errors
    /// [`TooMany`] for the first that is reached.
    pub async fn take_all(&self, charges: &[Charge<'_>]) -> Result<(), TooMany> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        let asked: Vec<Asked> = charges.iter().filter_map(|charge| buckets.asked(charge)).collect();
        if asked.is_empty() { Ok(()) } else { buckets.take(&asked).await }
    }
}

impl Buckets {
    fn asked(&self, charge: &Charge<'_>) -> Option<Asked> {
        let Charge { limit, who, cost } = *charge;
        let rate = self.config.rate(limit).filter(|_| cost > 0)?;
        let name = format!("realtime:limit:{}:{}:{}", self.component, limit.name(), who.name());
        Some(Asked { limit, rate, name, cost })
    }

    async fn take(&self, asked: &[Asked]) -> Result<(), TooMany> {
        let now = self.began.elapsed();
        let taken = match &self.shared {
            Some(shared) => shared.take(asked, now).await,
            None => None,
        };
        let taken = taken.unwrap_or_else(|| self.local.lock().unwrap_or_else(PoisonError::into_inner).take(asked, now));
        taken.inspect_err(|too_many| self.limited.with_label_values(&[too_many.limit.name()]).inc())
    }
}

impl<'a> Who<'a> {
    /// Whom counts what a client with that access does: its user, or its address where nobody is asked.
    pub fn of(access: &'a Access, client: Option<IpAddr>) -> Option<Self> {
        access.user.as_deref().map(Who::User).or_else(|| client.map(Who::Address))
    }

    fn name(&self) -> String {
        match self {
            Self::User(user) => format!("user:{user}"),
            Self::Address(address) => match address.to_canonical() {
                IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
                older @ IpAddr::V4(_) => older.to_string(),
            },
        }
    }
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Limiter").field(&self.0.as_ref().map(|buckets| &buckets.config)).finish()
    }
}

#[cfg(test)]
mod tests;
