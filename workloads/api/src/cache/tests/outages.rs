//! Redis goes, hangs, forgets, and comes back.

use tokio::net::TcpListener;

use super::*;
use crate::fake_redis::{away, connection};

/// Reads until the cache has come back.
async fn back(cache: &Cache, database: &Database) {
    while get(cache, database).await.1 == Source::Bypass {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn reads_go_to_postgres_while_redis_is_away() {
    let (cache, database) = (replica(away()), Database::open());
    for number in 0..3 {
        database.write(number);
        cache.forget().await;
        assert_eq!(get(&cache, &database).await, (number, Source::Bypass));
    }
    assert_eq!((cache.0.metrics.cache_bypassed.get(), cache.0.metrics.list_queries.get()), (3, 3));
    assert!(cache.clear().await.is_err());
}

#[tokio::test]
async fn without_redis_those_who_wait_share_the_next_query_and_never_one_that_has_begun() {
    let (cache, database) = (replica(away()), Database::with_answers(0));
    cache.suspect();
    let first = get(&cache, &database);
    let others = async {
        database.has_been_asked(1).await;
        database.write(1);
        let readers = join_all((0..200).map(|_| get(&cache, &database)));
        let answer = async { database.0.answers.add_permits(1000) };
        tokio::join!(readers, answer).0
    };
    let (first, others) = tokio::join!(first, others);
    assert_eq!(first, (0, Source::Bypass));
    assert_eq!(others, vec![(1, Source::Bypass); 200]);
    assert_eq!(database.queries(), 2);
    assert!(cache.0.detours.lock().unwrap().is_empty());
}

/// With paused time: none goes by unless somebody waits.
#[tokio::test(start_paused = true)]
async fn a_redis_that_does_not_answer_holds_readers_up_once() {
    // Connections are taken by the kernel, and nobody reads them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cache = replica(connection(listener.local_addr().unwrap().port()));
    let database = Database::open();
    assert_eq!(get(&cache, &database).await, (0, Source::Bypass));
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(get(&cache, &database).await, (0, Source::Bypass));
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn what_could_not_be_forgotten_while_redis_was_away_is_forgotten_when_it_is_back() {
    let (mut redis, database) = (FakeRedis::start().await, Database::open());
    let cache = replica(redis.connection());
    get(&cache, &database).await;
    redis.stop().await;
    database.write(1);
    cache.forget().await;
    assert_eq!(get(&cache, &database).await, (1, Source::Bypass));
    // It still has the old generation and its page.
    redis.resume().await;
    back(&cache, &database).await;
    assert_eq!(get(&cache, &database).await, (1, Source::Hit));
}

#[tokio::test]
async fn a_redis_that_lost_everything_brings_no_old_page_back() {
    let (redis, database) = (FakeRedis::start().await, Database::open());
    let cache = replica(redis.connection());
    get(&cache, &database).await;
    database.write(1);
    redis.kept.lock().unwrap().texts.clear();
    assert_eq!(get(&cache, &database).await, (1, Source::Miss));
}

#[tokio::test]
async fn a_redis_that_went_back_in_time_is_not_believed() {
    let (redis, database) = (FakeRedis::start().await, Database::open());
    let cache = replica(redis.connection());
    get(&cache, &database).await;
    let before = redis.kept.lock().unwrap().texts.clone();
    database.write(1);
    cache.forget().await;
    redis.kept.lock().unwrap().texts = before;
    // The tail has seen it go.
    cache.suspect();
    back(&cache, &database).await;
    assert_eq!(get(&cache, &database).await, (1, Source::Hit));
}
