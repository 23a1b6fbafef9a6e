use super::*;
use crate::fake_redis::{FakeRedis, away};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// A replica with that Redis.
fn replica(redis: Connection, limit: u32) -> Leases {
    let metrics = Metrics::new(prometheus::Registry::new()).unwrap();
    Leases::start(limit, redis, metrics, CancellationToken::new())
}

#[tokio::test]
async fn replicas_count_the_connections_of_an_address_together() {
    let mut redis = FakeRedis::start().await;
    let (one, other) = (replica(redis.connection(), 2), replica(redis.connection(), 2));
    let first = one.take(ADDRESS, "first").await.unwrap();
    let _second = other.take(ADDRESS, "second").await.unwrap();
    assert!(one.take(ADDRESS, "third").await.is_none());
    assert_eq!(redis.answered("ZREM").await[2], "third", "what was refused leaves nothing behind");
    drop(first);
    assert_eq!(redis.answered("ZREM").await[2], "first");
    assert!(one.take(ADDRESS, "fourth").await.is_some());
    assert!(other.take("192.0.2.8".parse().unwrap(), "of another address").await.is_some());
}

#[tokio::test]
async fn without_redis_a_replica_counts_its_own() {
    let leases = replica(away(), 2);
    let first = leases.take(ADDRESS, "first").await.unwrap();
    let _second = leases.take(ADDRESS, "second").await.unwrap();
    assert!(leases.take(ADDRESS, "third").await.is_none());
    assert_eq!(leases.by_address(), [(ADDRESS, 2)].into());
    drop(first);
    assert!(leases.take(ADDRESS, "fourth").await.is_some());
}

#[tokio::test]
async fn what_redis_lost_is_there_again_after_a_renewal() {
    let redis = FakeRedis::start().await;
    let mut leases = replica(redis.connection(), 10);
    let _held = [leases.take(ADDRESS, "first").await.unwrap(), leases.take(ADDRESS, "second").await.unwrap()];
    redis.kept.lock().unwrap().sets.clear();
    assert!(task::renew(&mut leases).await);
    let members: Vec<String> = redis.kept.lock().unwrap().sets.values().flatten().cloned().collect();
    assert_eq!(members, ["first", "second"]);
}

#[tokio::test]
async fn a_connection_is_counted_as_long_as_its_lease_lives() {
    let leases = replica(away(), 10);
    let connections = leases.connections();
    let lease = leases.take(ADDRESS, "first").await.unwrap();
    assert_eq!(*connections.borrow(), 1);
    drop(lease);
    assert_eq!(*connections.borrow(), 0);
    assert!(leases.by_address().is_empty());
}
