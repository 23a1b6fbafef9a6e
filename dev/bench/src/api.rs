//! The benchmark of realtime-api: its backends and the consumer, and a server under test for each scenario.

mod backends;
mod database;
mod notification;
mod postgres;
mod posts;
mod redis;
mod requests;
mod scenario;
mod source;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use realtime_contract::environment;

use self::backends::Backends;
use self::scenario::{Scenario, Trial};
use self::source::Source;
use crate::crowd::SocketCrowd;
use crate::kafka::free_port;
use crate::peer::Peer;
use crate::record;
use crate::report;
use crate::run::{self, Bench, Ground, Options, Values};
use crate::subject::{PROBE, START, Subject};

/// Where the peer on Node publishes what is posted: nobody reads it.
const NODE_TOPIC: &str = "bench-node";
/// Where a client connects.
const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

/// Options of the benchmark.
#[derive(Debug, Args)]
pub(crate) struct ApiArguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    programs: Programs,
    /// Only these scenarios, by comma
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Scenario::ALL)]
    only: Vec<Scenario>,
    /// Only these servers, by comma
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Peer::OF_API)]
    peers: Vec<Peer>,
}

/// What is started.
#[derive(Clone, Debug, Args)]
struct Programs {
    /// Folder of Kafka's jars
    #[arg(long)]
    kafka: PathBuf,
    /// Folder of the server on Node, with its packages
    #[arg(long)]
    node: PathBuf,
    /// Folder of the REST server on Node, with its packages
    #[arg(long)]
    node_rest: PathBuf,
    /// The program realtime-api
    #[arg(long)]
    api: PathBuf,
    /// The program realtime-consumer
    #[arg(long)]
    consumer: PathBuf,
}

/// Measures realtime-api and its peers.
pub(crate) fn run(arguments: &ApiArguments) -> Result<()> {
    let start = |ground: &Ground| Api::start(arguments, ground);
    run::run(&[&report::API, &report::REST], &arguments.options, &arguments.only, &arguments.peers, start)
}

struct Api {
    ground: Ground,
    programs: Programs,
    backends: Backends,
}

impl Api {
    fn start(arguments: &ApiArguments, ground: &Ground) -> Result<Self> {
        ground.say("start Redis, Postgres, Kafka and the consumer (usually 15 s)");
        let programs = arguments.programs.clone();
        let mut backends = Backends::start(&programs.kafka, &programs.consumer, ground)?;
        backends.broker.create(NODE_TOPIC, &ground.interruption)?;
        Ok(Self { ground: ground.clone(), programs, backends })
    }

    /// What starts the server.
    fn command(&self, peer: Peer, port: u16) -> Result<Command> {
        let redis = self.backends.redis.url();
        Ok(match peer {
            Peer::NodeSocketIo => {
                let mut command = Command::new("node");
                command.env("NODE_ENV", "production").arg(self.programs.node.join("server.mjs"));
                command.args([&redis, &port.to_string(), source::CHANNEL]);
                command
            }
            Peer::Socketioxide => {
                let mut command = Command::new(std::env::current_exe().context("failed to find this program")?);
                command.args(["socketioxide", "--redis", &redis, "--channel", source::CHANNEL]);
                command.args(["--port", &port.to_string()]);
                command
            }
            Peer::NodeRest => {
                let mut command = Command::new("node");
                command.env("NODE_ENV", "production").arg(self.programs.node_rest.join("server.mjs"));
                let postgres = self.backends.postgres.url();
                command.args([&redis, postgres, self.backends.broker.address(), NODE_TOPIC, &port.to_string()]);
                command
            }
            Peer::Api => {
                let mut command = Command::new(&self.programs.api);
                self.backends.tell(&mut command);
                command.env(environment::PORT, port.to_string()).env(environment::OPS_PORT, free_port()?.to_string());
                command
            }
            other => bail!("{} speaks neither Socket.IO nor REST", other.title()),
        })
    }
}

impl Bench for Api {
    type Scenario = Scenario;

    fn measure(&mut self, scenario: Scenario, peer: Peer) -> Result<Values> {
        let port = free_port()?;
        let command = self.command(peer, port)?;
        let mut source = Source::of(peer, &self.backends)?;
        let subject = Subject::start(peer, &command, port, &self.ground, |server| {
            if scenario.is_rest() {
                return requests::probe(server, self.ground.interruption.clone());
            }
            let mut crowd = SocketCrowd::of_sockets(server, self.ground.interruption.clone())?;
            probe(&mut crowd, &mut source)
        })?;
        let Self { ground, backends, .. } = self;
        scenario.run(&mut Trial {
            peer,
            subject: &subject,
            source: &mut source,
            backends,
            interruption: &ground.interruption,
        })
    }
}

/// With one client, until an event has come.
fn probe(crowd: &mut SocketCrowd, source: &mut Source) -> Result<()> {
    let begun = record::now();
    let mut came = false;
    let mut watch = |_: usize, frame: &[u8], _: u64| {
        came |= record::sent_at(frame).is_some_and(|sent_at| sent_at > begun);
    };
    crowd.gather(1, PATH, START, &mut watch)?;
    source.produce(1)?;
    crowd.turn_for(PROBE, &mut watch)?;
    if !came {
        bail!("an event did not come within {} ms", PROBE.as_millis());
    }
    Ok(())
}
