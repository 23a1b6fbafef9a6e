//! Options of a process that serves connections which stay: server-sent events, websockets.

use std::{net::IpAddr, time::Duration};

use clap::Args;
use ipnet::IpNet;
use realtime_contract::environment;
use tracing::warn;
use uuid::Uuid;

use super::Secret;
use crate::http;

/// Bytes of a key at least: fewer could be guessed.
const KEY_BYTES: usize = 16;

/// How connections that stay are served.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Streams")]
pub struct StreamConfig {
    /// Secret that signs what clients bring back, the same for all instances; without it that ends with the process
    #[arg(long, env = environment::CURSOR_KEY, value_name = "REALTIME_CURSOR_KEY", hide_env_values = true, value_parser = key)]
    pub cursor_key: Option<Secret>,

    /// Open streams at most; the limit of open files less 512 when it is not given
    #[arg(long = "stream-connections", env = environment::STREAM_CONNECTIONS, value_name = "REALTIME_STREAM_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: Option<u32>,

    /// Open streams of one client address at most; no limit when it is not given
    #[arg(long = "stream-connections-per-address", env = environment::STREAM_CONNECTIONS_PER_ADDRESS, value_name = "REALTIME_STREAM_CONNECTIONS_PER_ADDRESS", value_parser = clap::value_parser!(u32).range(1..))]
    pub connections_per_address: Option<u32>,

    /// Networks by comma, as in 10.0.0.0/8, whose X-Forwarded-For is believed
    #[arg(long, env = environment::TRUSTED_PROXIES, value_name = "REALTIME_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Seconds after which a stream is closed to come back, less up to a fifth by chance; 0 for never
    #[arg(long = "stream-age-seconds", env = environment::STREAM_AGE_SECONDS, value_name = "REALTIME_STREAM_AGE_SECONDS", default_value_t = 3600)]
    pub age_seconds: u32,

    /// Newest events that are kept in memory
    #[arg(long, env = environment::RING_EVENTS, value_name = "REALTIME_RING_EVENTS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub ring_events: u32,

    /// Bytes of the newest events that are kept in memory
    #[arg(long, env = environment::RING_BYTES, value_name = "REALTIME_RING_BYTES", default_value_t = 16 * 1024 * 1024)]
    pub ring_bytes: u32,
}

impl StreamConfig {
    /// After which a stream is renewed, if ever.
    pub fn age(&self) -> Option<Duration> {
        (self.age_seconds > 0).then(|| Duration::from_secs(self.age_seconds.into()))
    }

    /// The stack's key, or one of this process alone, which is said in the log together with `what` ends with the process.
    pub fn key_or_own(&self, what: &str) -> Secret {
        self.cursor_key.clone().unwrap_or_else(|| {
            warn!("{} is not set: {what} end with this process", environment::CURSOR_KEY);
            format!("{}{}", Uuid::new_v4(), Uuid::new_v4()).into()
        })
    }

    /// Open streams at most: as many as asked for, as far as the limit of open files allows it.
    pub fn connections(&self) -> usize {
        let possible = http::connections();
        let asked = self.connections.map_or(possible, |asked| asked as usize);
        if asked > possible {
            warn!(asked, possible, "fewer streams than asked for: the limit of open files allows no more");
        }
        asked.min(possible)
    }
}

fn key(text: &str) -> Result<Secret, String> {
    if text.len() < KEY_BYTES {
        return Err(format!("a cursor key has {KEY_BYTES} bytes or more; make one by `openssl rand -hex 32`"));
    }
    Ok(text.to_owned().into())
}

/// An address alone is a network of one.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let address = || text.parse::<IpAddr>().map(IpNet::from).ok();
    text.parse().ok().or_else(address).ok_or_else(|| "a network looks like 10.0.0.0/8 or fd00::/8".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[command(flatten)]
        stream: StreamConfig,
    }

    fn parse(options: &[&str]) -> Result<StreamConfig, String> {
        let all = ["test"].iter().chain(options);
        Options::try_parse_from(all).map(|options| options.stream).map_err(|error| error.to_string())
    }

    #[test]
    fn an_age_of_nothing_is_none() {
        assert_eq!(parse(&[]).unwrap().age(), Some(Duration::from_secs(3600)));
        assert_eq!(parse(&["--stream-age-seconds", "0"]).unwrap().age(), None);
    }

    #[test]
    fn networks_are_read_by_comma() {
        let config = parse(&["--trusted-proxies", "10.0.0.0/8, 192.0.2.7,fd00::/8"]).unwrap();
        let networks: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"]);
    }

    #[test]
    fn refuses_with_a_sentence_that_says_what_to_change() {
        for (option, value, sentence) in [
            ("--cursor-key", "short", "openssl rand"),
            ("--trusted-proxies", "10.0.0.0/40", "10.0.0.0/8"),
            ("--stream-connections", "0", "1.."),
        ] {
            let error = parse(&[option, value]).unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
    }

    #[test]
    fn the_key_does_not_show_itself_and_is_never_the_same_without_one() {
        let config = parse(&["--cursor-key", "0123456789abcdef"]).unwrap();
        assert!(!format!("{config:?}").contains("0123456789"));
        assert_eq!(config.key_or_own("cursors").expose(), "0123456789abcdef");
        let own = || parse(&[]).unwrap().key_or_own("cursors");
        assert_ne!(own().expose(), own().expose());
    }

    #[test]
    fn no_more_streams_than_the_limit_of_open_files() {
        let possible = http::connections();
        assert_eq!(parse(&[]).unwrap().connections(), possible);
        assert_eq!(parse(&["--stream-connections", "3"]).unwrap().connections(), 3);
        assert_eq!(parse(&["--stream-connections", "4294967295"]).unwrap().connections(), possible);
    }
}
