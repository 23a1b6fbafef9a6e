use super::*;
use crate::fake_redis::{FakeRedis, away};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// A replica with that Redis.
fn replica(redis: Connection, limit: u32) -> Leases {
    let metrics = Metrics::new(prometheus::Registry::new()).unwrap();
    Leases::start(limit, redis, metrics, CancellationToken::new()).0
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
async fn a_network_of_64_bits_counts_as_one_address() {
    let redis = FakeRedis::start().await;
    for redis in [redis.connection(), away()] {
        let leases = replica(redis, 1);
        let _held = leases.take("2001:db8:0:1::1".parse().unwrap(), "first").await.unwrap();
        assert!(leases.take("2001:db8:0:1:ffff::2".parse().unwrap(), "second").await.is_none());
        assert!(leases.take("2001:db8:0:2::1".parse().unwrap(), "third").await.is_some());
    }
}

#[tokio::test]
async fn an_attempt_that_is_refused_is_never_counted() {
    let leases = replica(away(), 1);
    let _held = leases.take(ADDRESS, "first").await.unwrap();
    let mut connections = leases.connections();
    connections.mark_unchanged();
    assert!(leases.take(ADDRESS, "second").await.is_none());
    assert!(!connections.has_changed().unwrap(), "the timer was told of it");
}

#[tokio::test]
async fn what_ended_before_the_end_is_taken_out_of_redis() {
    let redis = FakeRedis::start().await;
    let metrics = Metrics::new(prometheus::Registry::new()).unwrap();
    let token = CancellationToken::new();
    let (leases, task) = Leases::start(10, redis.connection(), metrics, token.clone());
    drop(leases.take(ADDRESS, "first").await.unwrap());
    token.cancel();
    task.await.unwrap();
    assert!(redis.kept.lock().unwrap().sets.values().all(std::collections::BTreeSet::is_empty));
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
