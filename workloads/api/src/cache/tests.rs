//! Replicas over one Redis and one database.

mod outages;

use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::join_all;
use tokio::{sync::Semaphore, time::Instant};

use super::{flight::PATIENCE, shared::GENERATION, *};
use crate::fake_redis::FakeRedis;

/// A database that holds one number, which is the whole list.
#[derive(Clone)]
struct Database(Arc<Content>);

struct Content {
    number: AtomicU64,
    queries: AtomicU64,
    /// Each answer of a query takes one.
    answers: Semaphore,
}

impl Database {
    /// It answers at once.
    fn open() -> Self {
        Self::with_answers(10_000)
    }

    /// It answers so many queries; the others wait.
    fn with_answers(answers: usize) -> Self {
        let (number, queries) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Content { number, queries, answers: Semaphore::new(answers) }))
    }

    fn write(&self, number: u64) {
        self.0.number.store(number, Ordering::SeqCst);
    }

    fn queries(&self) -> u64 {
        self.0.queries.load(Ordering::SeqCst)
    }

    /// What is answered is what stands there when the query begins.
    async fn read(self) -> Result<Page, store::Error> {
        let number = self.0.number.load(Ordering::SeqCst);
        self.0.queries.fetch_add(1, Ordering::SeqCst);
        self.0.answers.acquire().await.unwrap().forget();
        Ok(Page { next: None, json: number.to_string().into() })
    }

    async fn has_been_asked(&self, queries: u64) {
        while self.queries() < queries {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn replica(connection: Connection) -> Cache {
    Cache::new(connection, Metrics::new(prometheus::Registry::new()).unwrap())
}

fn key() -> Key {
    Key::of(&50).unwrap()
}

/// Waits until the lease of a page was asked for so many times.
async fn asked_for_leases(redis: &mut FakeRedis, times: usize) {
    for _ in 0..times {
        while !is_lease(&redis.answered("SET").await) {}
    }
}

fn is_lease(command: &[String]) -> bool {
    command[0] == "SET" && command[1].starts_with("realtime:list:lease:")
}

/// How many times the lease of a page was asked for, of the commands that were not looked at.
fn leases(redis: &mut FakeRedis) -> usize {
    std::iter::from_fn(|| redis.next()).filter(|command| is_lease(command)).count()
}

/// The list as a client of that replica sees it, and where it came from.
async fn get(cache: &Cache, database: &Database) -> (u64, Source) {
    let database = database.clone();
    let (page, source) = cache.page(Some(key()), || database.read()).await.unwrap();
    (std::str::from_utf8(&page.json).unwrap().parse().unwrap(), source)
}

#[tokio::test]
async fn two_hundred_readers_of_a_cold_page_at_two_replicas_cause_one_query() {
    let (mut redis, database) = (FakeRedis::start().await, Database::with_answers(0));
    let replicas = [replica(redis.connection()), replica(redis.connection())];
    let readers = join_all((0..200).map(|number| get(&replicas[number % 2], &database)));
    let answer = async {
        database.has_been_asked(1).await;
        // The other replica looks for the page, too.
        asked_for_leases(&mut redis, 2).await;
        database.0.answers.add_permits(1000);
    };
    let (answers, ()) = tokio::join!(readers, answer);
    assert_eq!(database.queries(), 1);
    assert_eq!(answers.iter().filter(|(_, source)| *source == Source::Miss).count(), 1);
    assert!(answers.iter().all(|(_, source)| *source != Source::Bypass));
    let counted = replicas.each_ref().map(|cache| cache.0.metrics.list_queries.get());
    assert_eq!(counted.iter().sum::<u64>(), 1);
    let hits: u64 = replicas.iter().map(|cache| cache.0.metrics.cache_hits.get()).sum();
    assert_eq!(hits, 199);
}

#[tokio::test]
async fn who_reads_after_a_write_sees_it_at_every_replica() {
    let (redis, database) = (FakeRedis::start().await, Database::open());
    let replicas = [replica(redis.connection()), replica(redis.connection()), replica(redis.connection())];
    for number in 1..100_u64 {
        let [writer, ..] = [0, 1, 2].map(|step| &replicas[(usize::try_from(number).unwrap() + step) % 3]);
        database.write(number);
        writer.forget().await;
        for reader in replicas.iter().chain(&replicas) {
            assert_eq!(get(reader, &database).await.0, number);
        }
    }
    assert_eq!(database.queries(), 99, "each list was read once");
}

#[tokio::test]
async fn nobody_reads_backwards_while_others_write() {
    let (redis, database) = (FakeRedis::start().await, Database::open());
    let replicas = [replica(redis.connection()), replica(redis.connection())];
    let (committed, is_over) = (AtomicU64::new(0), AtomicU64::new(0));
    let write = async {
        for number in 1..=200 {
            database.write(number);
            replicas[0].forget().await;
            committed.store(number, Ordering::SeqCst);
        }
        is_over.store(1, Ordering::SeqCst);
    };
    let read = async |cache: &Cache| {
        let mut reads = 0;
        while is_over.load(Ordering::SeqCst) == 0 {
            let answered = committed.load(Ordering::SeqCst);
            let (seen, _) = get(cache, &database).await;
            assert!(seen >= answered, "{seen} after {answered} was answered");
            reads += 1;
        }
        reads
    };
    let ((), reads, others) = tokio::join!(write, read(&replicas[0]), read(&replicas[1]));
    assert!(reads > 10 && others > 10, "{reads} and {others} reads");
}

#[tokio::test]
async fn a_page_that_is_written_after_a_change_lands_where_nobody_looks() {
    let (redis, database) = (FakeRedis::start().await, Database::with_answers(0));
    let replicas = [replica(redis.connection()), replica(redis.connection())];
    let late = get(&replicas[0], &database);
    let change = async {
        database.has_been_asked(1).await;
        database.write(1);
        replicas[1].forget().await;
        database.0.answers.add_permits(1000);
    };
    let ((old, _), ()) = tokio::join!(late, change);
    assert_eq!(old, 0, "it began before the change");
    for cache in replicas.iter().rev() {
        assert_eq!(get(cache, &database).await.0, 1);
    }
    assert_eq!(database.queries(), 2);
}

#[tokio::test]
async fn a_page_stays_in_the_process_and_costs_no_more_than_the_generation() {
    let (mut redis, database) = (FakeRedis::start().await, Database::open());
    let cache = replica(redis.connection());
    get(&cache, &database).await;
    let first = redis.answered("SET").await;
    assert_eq!(first[1], GENERATION);
    for _ in 0..3 {
        assert_eq!(get(&cache, &database).await, (0, Source::Hit));
    }
    let names = std::iter::from_fn(|| redis.next())
        .map(|command| format!("{} {}", command[0], command[1].split(':').nth(2).unwrap_or_default()));
    let names: Vec<String> = names.collect();
    assert_eq!(
        names[names.len() - 5..],
        ["SET page", "DEL lease", "GET generation", "GET generation", "GET generation"]
    );
}

#[tokio::test]
async fn readers_at_the_same_time_share_reads_of_the_generation() {
    let (mut redis, database) = (FakeRedis::start().await, Database::open());
    let cache = replica(redis.connection());
    get(&cache, &database).await;
    while redis.next().is_some() {}
    join_all((0..100).map(|_| get(&cache, &database))).await;
    let mut reads = 0;
    while let Some(command) = redis.next() {
        assert_eq!(command, ["GET", GENERATION]);
        reads += 1;
    }
    assert_eq!(reads, 1, "they came before the read began");
}

#[tokio::test]
async fn a_lease_whose_holder_died_holds_others_up_for_a_second_only() {
    let (mut redis, database) = (FakeRedis::start().await, Database::open());
    let cache = replica(redis.connection());
    let generation = cache.0.shared.generation().await.unwrap();
    assert!(cache.0.shared.lease(generation, &key()).await.unwrap(), "the dead one has it");
    let begun = Instant::now();
    assert_eq!(get(&cache, &database).await, (0, Source::Miss));
    assert!(begun.elapsed() >= PATIENCE, "{:?}", begun.elapsed());
    let asked = leases(&mut redis);
    assert!(
        (2..=26).contains(&asked),
        "asked {asked} times, though it takes 24 in a second, and the dead one asked, too"
    );
    assert_eq!(get(&cache, &database).await, (0, Source::Hit));
}

#[tokio::test]
async fn a_query_that_fails_is_told_to_all_and_the_next_one_is_made_at_once() {
    let (mut redis, database) = (FakeRedis::start().await, Database::open());
    let replicas = [replica(redis.connection()), replica(redis.connection())];
    let failing = || replicas[0].page(Some(key()), || async { Err(store::Error::AwaitPostgres) });
    let answers = join_all((0..10).map(|_| failing())).await;
    assert!(answers.iter().all(Result::is_err));
    leases(&mut redis);
    assert_eq!(get(&replicas[1], &database).await, (0, Source::Miss));
    assert_eq!(leases(&mut redis), 1, "its lease was still there");
}

#[tokio::test]
async fn a_page_without_a_key_or_too_large_is_read_each_time() {
    let (redis, database) = (FakeRedis::start().await, Database::open());
    let cache = replica(redis.connection());
    for _ in 0..2 {
        let database = database.clone();
        assert_eq!(cache.page(None, || database.read()).await.unwrap().1, Source::Miss);
    }
    let large = || async { Ok(Page { next: None, json: vec![b' '; 256 * 1024 + 1].into() }) };
    for _ in 0..2 {
        assert_eq!(cache.page(Some(key()), large).await.unwrap().1, Source::Miss);
    }
    let kept = redis.kept.lock().unwrap();
    assert_eq!(kept.texts.keys().collect::<Vec<_>>(), [GENERATION], "neither page nor lease is left");
}
