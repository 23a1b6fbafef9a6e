//! Options of the backends' clients.

use clap::Args;
use realtime_contract::{environment, ports};

use super::Secret;

/// How to reach Postgres.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Postgres")]
pub struct PostgresConfig {
    /// Address, such as postgresql://user@host:5432/database
    #[arg(id = "postgres-url", long = "postgres-url", env = environment::POSTGRES_URL, value_name = "POSTGRES_URL=postgresql://user@host:5432/database", hide_env_values = true)]
    pub url: Secret,

    /// Password; wins over one in the address
    #[arg(id = "postgres-password", long = "postgres-password", env = environment::POSTGRES_PASSWORD, value_name = "POSTGRES_PASSWORD", hide_env_values = true)]
    pub password: Option<Secret>,

    /// Connections at most
    #[arg(
        long = "postgres-pool",
        env = environment::POSTGRES_POOL,
        value_name = "REALTIME_POSTGRES_POOL",
        default_value_t = 20
    )]
    pub pool: u16,
}

/// How to reach Redis: an address, or host and port.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Redis")]
pub struct RedisConfig {
    /// Address, such as redis://host:6379
    #[arg(id = "redis-url", long = "redis-url", env = environment::REDIS_URL, value_name = "REDIS_URL=redis://host:6379", hide_env_values = true, required_unless_present = "redis-host")]
    pub url: Option<Secret>,

    /// Host, when there is no address
    #[arg(id = "redis-host", long = "redis-host", env = environment::REDIS_HOST, value_name = "REDIS_HOST")]
    pub host: Option<String>,

    /// Port, when there is no address
    #[arg(id = "redis-port", long = "redis-port", env = environment::REDIS_PORT, value_name = "REDIS_PORT", default_value_t = ports::REDIS, value_parser = port)]
    pub port: u16,

    /// Password; wins over one in the address
    #[arg(id = "redis-password", long = "redis-password", env = environment::REDIS_PASSWORD, value_name = "REDIS_PASSWORD", hide_env_values = true)]
    pub password: Option<Secret>,
}

fn port(text: &str) -> Result<u16, String> {
    if text.starts_with("tcp://") {
        return Err("this looks like a Kubernetes service link; set enableServiceLinks: false in the pod, or give a number such as 6379".to_owned());
    }
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| "a port is a number from 1 to 65535, such as 6379".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_link_as_port_is_explained() {
        assert!(port("tcp://10.0.0.1:6379").unwrap_err().contains("service link"));
    }

    #[test]
    fn a_port_is_a_number_above_zero() {
        assert_eq!(port("6380"), Ok(6380));
        assert!(port("0").is_err() && port("redis").is_err());
    }
}
