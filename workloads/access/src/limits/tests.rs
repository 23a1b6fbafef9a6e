//! With a server that says what Redis would, and with none.

use realtime_chassis::config::RedisConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const SOMEBODY: Who<'_> = Who::User("7");

fn limits(options: &[&str]) -> LimitConfig {
    let rate = |index: usize| options.get(index).and_then(|text| text.parse().ok());
    LimitConfig { address: rate(0), user: rate(1), publish: rate(2), subscribe: rate(3) }
}

fn redis(port: u16) -> Connection {
    let url = format!("redis://127.0.0.1:{port}");
    Connection::new(&RedisConfig { url: Some(url.into()), host: None, port: 6379, password: None }).unwrap()
}

fn limiter(config: LimitConfig, redis: Option<Connection>) -> (Limiter, Registry) {
    let registry = Registry::new();
    (Limiter::new(config, Component::Api, redis, &registry).unwrap(), registry)
}

fn metrics(registry: &Registry) -> String {
    prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

/// A server that gives the same answer to every script, which it has to be told first.
async fn server(answer: &'static str) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::<Mutex<String>>::default();
    let heard = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let heard = heard.clone();
            tokio::spawn(async move {
                let (mut name, mut is_known) = (String::new(), false);
                let mut bytes = vec![0; 16 * 1024];
                while let Ok(length @ 1..) = client.read(&mut bytes).await {
                    let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                    let setup = "+OK\r\n".repeat(text.matches("CLIENT\r\n").count());
                    if let Some((_, rest)) = text.split_once("EVALSHA\r\n$40\r\n") {
                        name = rest[..40].to_owned();
                    }
                    is_known |= text.contains("LOAD\r\n");
                    let reply = match () {
                        () if text.contains("LOAD\r\n") => format!("$40\r\n{name}\r\n"),
                        () if text.contains("EVALSHA\r\n") && is_known => answer.to_owned(),
                        () if text.contains("EVALSHA\r\n") => "-NOSCRIPT No matching script.\r\n".to_owned(),
                        () => String::new(),
                    };
                    heard.lock().unwrap().push_str(&text);
                    client.write_all(format!("{setup}{reply}").as_bytes()).await.unwrap();
                }
            });
        }
    });
    (port, asked)
}

#[tokio::test]
async fn nothing_is_limited_without_a_limit() {
    for limiter in [Limiter::none(), limiter(limits(&[]), None).0] {
        for _ in 0..100 {
            assert_eq!(limiter.take(Limit::Publish, SOMEBODY, 100).await, Ok(()));
        }
    }
}

#[tokio::test]
async fn each_limit_and_each_who_has_a_bucket_and_refusals_are_counted() {
    let (limiter, registry) = limiter(limits(&["1/1", "1/1", "1/2", "1/1"]), None);
    for limit in Limit::ALL {
        for who in [SOMEBODY, Who::User("8"), Who::Address([192, 0, 2, 1].into())] {
            assert_eq!(limiter.take(limit, who, 1).await, Ok(()), "{limit:?} {who:?}");
        }
    }
    assert_eq!(limiter.take(Limit::Publish, SOMEBODY, 1).await, Ok(()));
    let refused = limiter.take(Limit::Publish, SOMEBODY, 1).await.unwrap_err();
    assert_eq!((refused.limit, refused.seconds()), (Limit::Publish, 1));
    assert_eq!(refused.to_string(), "too many notifications: come again in 1 s");
    let text = metrics(&registry);
    assert!(text.contains("realtime_limited_total{limit=\"publish\"} 1\n"), "{text}");
    assert!(text.contains("realtime_limited_total{limit=\"user\"} 0\n"), "{text}");
}

#[tokio::test]
async fn a_network_of_64_bits_is_one_who() {
    let (limiter, _) = limiter(limits(&["0.001/1"]), None);
    let mut taken = Vec::new();
    for address in ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1", "::ffff:192.0.2.1", "192.0.2.1"] {
        taken.push(limiter.take(Limit::Address, Who::Address(address.parse().unwrap()), 1).await.is_ok());
    }
    assert_eq!(taken, [true, false, true, true, false]);
}

#[tokio::test]
async fn redis_is_asked_once_for_all_buckets_of_a_request() {
    let (port, asked) = server("*2\r\n:2\r\n:1500000\r\n").await;
    let (limiter, _) = limiter(limits(&["10/50", "0.5/5"]), Some(redis(port)));
    let charge = |limit, who| Charge { limit, who, cost: 3 };
    let address = Who::Address("192.0.2.1".parse().unwrap());
    let charges = [charge(Limit::Publish, SOMEBODY), charge(Limit::Address, address), charge(Limit::User, SOMEBODY)];
    limiter.take_all(&charges).await.unwrap_err();
    assert!(asked.lock().unwrap().contains("redis.call"), "it does not know the script yet");
    asked.lock().unwrap().clear();
    let refused = limiter.take_all(&charges).await.unwrap_err();
    assert_eq!(refused, TooMany { limit: Limit::User, retry_after: Duration::from_micros(1_500_000) });
    assert_eq!(refused.seconds(), 2);
    let asked = asked.lock().unwrap().replace("\r\n", " ");
    assert_eq!(asked.matches("EVALSHA").count(), 1);
    assert!(!asked.contains("redis.call"), "it is told the script once: {asked}");
    assert!(asked.contains("$36 realtime:limit:api:address:192.0.2.1 $30 realtime:limit:api:user:user:7 "), "{asked}");
    assert!(asked.ends_with("$6 100000 $2 50 $1 3 $7 2000000 $1 5 $1 3 "), "{asked}");
}

#[tokio::test]
async fn while_redis_is_away_the_instance_counts_alone_and_asks_it_again_after_a_pause() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (limiter, _) = limiter(limits(&["0.001/1", "0.001/1"]), Some(redis(port)));
    assert_eq!(limiter.take(Limit::User, SOMEBODY, 1).await, Ok(()));
    assert!(limiter.take(Limit::User, SOMEBODY, 1).await.is_err());
    let shared = limiter.0.as_ref().unwrap().shared.as_ref().unwrap();
    let asked = [Asked { limit: Limit::User, rate: "1/1".parse().unwrap(), name: "x".into(), cost: 1 }];
    assert_eq!(shared.take(&asked, Duration::ZERO).await, None);
    // A server that answers is asked by the first who comes behind the pause.
    let (port, heard) = server("*2\r\n:0\r\n:0\r\n").await;
    let back = Shared::new(redis(port));
    back.tell(Some(&shared::failure()), Duration::from_secs(1));
    assert_eq!(back.take(&asked, Duration::from_millis(1999)).await, None);
    assert!(heard.lock().unwrap().is_empty());
    assert_eq!(back.take(&asked, Duration::from_millis(2000)).await, Some(Ok(())));
    assert_eq!(back.take(&asked, Duration::from_millis(2001)).await, Some(Ok(())));
}
