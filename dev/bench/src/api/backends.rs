//! What realtime-api needs: Redis, Postgres, Kafka, and the consumer, all on the core of the load.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use realtime_contract::environment;

use super::postgres::Postgres;
use super::redis::Redis;
use crate::kafka::{Broker, free_port};
use crate::process::{self, Process};
use crate::run::Ground;

/// Seconds in which Postgres and Kafka answer the consumer's preparations.
const PREPARE_SECONDS: &str = "60";

/// They run as long as the run. The peers use Redis only.
#[derive(Debug)]
pub(super) struct Backends {
    // Dropped in this order: the consumer first.
    pub(super) consumer: Process,
    pub(super) broker: Broker,
    pub(super) redis: Redis,
    pub(super) postgres: Postgres,
}

impl Backends {
    /// Starts all, with schema and topics.
    pub(super) fn start(kafka: &Path, consumer: &Path, ground: &Ground) -> Result<Self> {
        let redis = Redis::start(ground)?;
        let postgres = Postgres::start(ground)?;
        let broker = Broker::start(kafka, &ground.folder.join("kafka"), ground.cores.load, &ground.interruption)?;
        let variables = [
            (environment::REDIS_URL, redis.url()),
            (environment::POSTGRES_URL, postgres.url().to_owned()),
            (environment::KAFKA_BROKERS, broker.address().to_owned()),
        ];
        let mut prepare = Command::new(consumer);
        prepare.arg("prepare").envs(variables[1..].iter().cloned()).env(environment::PREPARE_SECONDS, PREPARE_SECONDS);
        process::run("realtime-consumer prepare", &prepare, ground.cores.load, &ground.folder.join("prepare.log"))?;
        let mut run = Command::new(consumer);
        run.arg("run").envs(variables).env(environment::OPS_PORT, free_port()?.to_string());
        let log = ground.folder.join("consumer.log");
        let consumer = Process::start("realtime-consumer", &run, ground.cores.load, &log)?;
        Ok(Self { consumer, broker, redis, postgres })
    }

    /// Tells a program of ours where they are.
    pub(super) fn tell(&self, command: &mut Command) {
        command.env(environment::REDIS_URL, self.redis.url());
        command.env(environment::POSTGRES_URL, self.postgres.url());
        command.env(environment::KAFKA_BROKERS, self.broker.address());
    }

    /// What works for a server while events come: for the peers Redis, for ours the consumer and Postgres, too.
    pub(super) fn behind(&self, is_ours: bool) -> Vec<&Process> {
        if is_ours {
            vec![&self.redis.process, &self.postgres.process, &self.consumer]
        } else {
            vec![&self.redis.process]
        }
    }
}
