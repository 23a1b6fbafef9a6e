//! The benchmark of realtime-notifications: the broker, and a server under test for each scenario.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use realtime_contract::topic;

use crate::kafka::Broker;
use crate::peer::{Peer, Programs};
use crate::production::Production;
use crate::report;
use crate::run::{self, Bench, Ground, Options, Values};
use crate::scenario::{Scenario, Trial};
use crate::subject::Subject;

/// Options of the benchmark.
#[derive(Debug, Args)]
pub(crate) struct NotificationsArguments {
    #[command(flatten)]
    options: Options,
    /// Folder of Kafka's jars
    #[arg(long)]
    kafka: PathBuf,
    /// Folder of the server on Node, with its packages
    #[arg(long)]
    node: PathBuf,
    /// The program realtime-notifications
    #[arg(long)]
    notifications: PathBuf,
    /// Only these scenarios, by comma
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Scenario::ALL)]
    only: Vec<Scenario>,
    /// Only these servers, by comma
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Peer::OF_NOTIFICATIONS)]
    peers: Vec<Peer>,
}

/// Measures realtime-notifications and its peers.
pub(crate) fn run(arguments: &NotificationsArguments) -> Result<()> {
    let start = |ground: &Ground| Notifications::start(arguments, ground);
    run::run(&[&report::NOTIFICATIONS], &arguments.options, &arguments.only, &arguments.peers, start)
}

struct Notifications {
    ground: Ground,
    programs: Programs,
    production: Production,
    broker: Broker,
}

impl Notifications {
    fn start(arguments: &NotificationsArguments, ground: &Ground) -> Result<Self> {
        ground.say("start Kafka (usually 8 s)");
        let data = ground.folder.join("kafka");
        let mut broker = Broker::start(&arguments.kafka, &data, ground.cores.load, &ground.interruption)?;
        broker.create(topic::PRODUCT_EVENTS, &ground.interruption)?;
        let production = Production::new(broker.address(), topic::PRODUCT_EVENTS)?;
        let programs =
            Programs::new(&arguments.node, &arguments.notifications).context("failed to find this program")?;
        Ok(Self { ground: ground.clone(), programs, production, broker })
    }
}

impl Bench for Notifications {
    type Scenario = Scenario;

    fn measure(&mut self, scenario: Scenario, peer: Peer) -> Result<Values> {
        let Self { ground, programs, production, broker } = self;
        let subject = Subject::of_stream(peer, programs, broker.address(), ground, production)?;
        scenario.run(&mut Trial { subject: &subject, production, interruption: &ground.interruption })
    }
}
