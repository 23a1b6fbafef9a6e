//! A whole run: the broker, and round after round each scenario against each server.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use realtime_contract::topic;

use crate::figures::{Failure, Figures, Measurement};
use crate::interruption::Interruption;
use crate::kafka::Broker;
use crate::peer::{Peer, Programs};
use crate::processors::{self, Cores};
use crate::production::Production;
use crate::report;
use crate::scenario::{Scenario, Trial};
use crate::subject::Subject;

/// Options of a run.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Folder of Kafka's jars
    #[arg(long)]
    kafka: PathBuf,
    /// Folder of the server on Node, with its packages
    #[arg(long)]
    node: PathBuf,
    /// The program realtime-notifications
    #[arg(long)]
    notifications: PathBuf,
    /// Folder in which the run has its own files, in one that is removed
    #[arg(long)]
    work: PathBuf,
    /// File for all values
    #[arg(long)]
    results: PathBuf,
    /// Only these scenarios, by comma
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Scenario::ALL)]
    only: Vec<Scenario>,
    /// Only these servers, by comma
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Peer::ALL)]
    peers: Vec<Peer>,
    /// How often everything is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// The page whose figures are replaced; its chart stands beside it
    #[arg(long)]
    write: Option<PathBuf>,
}

/// Measures, prints the table, and writes what is asked for. A measurement that failed is an error, but only at the end.
pub(crate) fn run(arguments: &RunArguments) -> Result<()> {
    let cores = processors::choose()?;
    processors::stay_on(cores.load)?;
    processors::raise_open_files()?;
    let interruption = Interruption::watch()?;
    let work = Work::open(&arguments.work)?;
    let figures = Bench::start(arguments, cores, &work, interruption)?.measure(arguments)?;
    drop(work);
    report::write_results(&arguments.results, &figures)?;
    report::print(&figures)?;
    if let Some(page) = &arguments.write {
        report::write_page(page, &figures)?;
    }
    if let Some(failure) = figures.failures.first() {
        bail!("{} measurements failed, the first one: {}: {}", figures.failures.len(), failure.scenario, failure.error);
    }
    Ok(())
}

struct Bench<'a> {
    begun: Instant,
    cores: Cores,
    work: &'a Path,
    programs: Programs,
    interruption: Interruption,
    production: Production,
    broker: Broker,
}

impl<'a> Bench<'a> {
    fn start(arguments: &RunArguments, cores: Cores, work: &'a Work, interruption: Interruption) -> Result<Self> {
        let begun = Instant::now();
        say(begun, "start Kafka (usually 8 s)");
        let data = work.path.join("kafka");
        let broker = Broker::start(&arguments.kafka, &data, cores.load, topic::PRODUCT_EVENTS, &interruption)?;
        let production = Production::new(broker.address(), topic::PRODUCT_EVENTS)?;
        let programs =
            Programs::new(&arguments.node, &arguments.notifications).context("failed to find this program")?;
        Ok(Self { begun, cores, work: &work.path, programs, interruption, production, broker })
    }

    fn measure(mut self, arguments: &RunArguments) -> Result<Figures> {
        let mut figures = Figures::default();
        for round in 1..=usize::from(arguments.rounds) {
            for scenario in &arguments.only {
                for peer in arguments.peers.iter().filter(|peer| scenario.concerns(**peer)) {
                    self.try_one(round, *scenario, *peer, &mut figures)?;
                }
            }
        }
        Ok(figures)
    }

    /// A failure is noted, unless somebody wants the run to end.
    fn try_one(&mut self, round: usize, scenario: Scenario, peer: Peer, figures: &mut Figures) -> Result<()> {
        let name = format!("round {round}: {} of {}", scenario.name(), peer.title());
        let begun = Instant::now();
        let result = self.one(scenario, peer);
        self.interruption.check()?;
        match result {
            Ok(values) => {
                let texts =
                    values.iter().map(|(metric, value)| format!("{} {}", metric.title(), metric.unit().text(*value)));
                say(
                    self.begun,
                    &format!("{name}, {} s: {}", begun.elapsed().as_secs(), texts.collect::<Vec<_>>().join("; ")),
                );
                let measured = values.into_iter().map(|(metric, value)| Measurement { round, peer, metric, value });
                figures.measurements.extend(measured);
            }
            Err(error) => {
                let error = format!("{error:#}");
                say(self.begun, &format!("{name}: FAILED after {} s: {error}", begun.elapsed().as_secs()));
                figures.failures.push(Failure { round, peer, scenario: scenario.name().to_owned(), error });
            }
        }
        Ok(())
    }

    fn one(&mut self, scenario: Scenario, peer: Peer) -> Result<crate::scenario::Values> {
        let log = self.work.join("server.log");
        let Self { programs, cores, production, interruption, broker, .. } = self;
        let subject = Subject::start(peer, programs, broker.address(), cores.server, &log, production, interruption)?;
        scenario.run(&mut Trial { subject: &subject, production, interruption })
    }
}

/// A folder that goes with the run. Only one run at a time has it: two would measure each other.
struct Work {
    path: PathBuf,
    _lock: File,
}

impl Work {
    fn open(parent: &Path) -> Result<Self> {
        let path = &parent.join("realtime-bench");
        fs::create_dir_all(path).with_context(|| format!("failed to create {}", path.display()))?;
        let lock_path = path.with_extension("lock");
        let lock = File::create(&lock_path).with_context(|| format!("failed to create {}", lock_path.display()))?;
        if lock.try_lock().is_err() {
            bail!("another benchmark is running: it holds {}", lock_path.display());
        }
        // An earlier run may have been killed.
        fs::remove_dir_all(path).with_context(|| format!("failed to empty {}", path.display()))?;
        fs::create_dir_all(path).with_context(|| format!("failed to create {}", path.display()))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("failed to remove {}: {error}", self.path.display());
        }
    }
}

fn say(begun: Instant, text: &str) {
    let seconds = begun.elapsed().as_secs();
    eprintln!("[{:3}:{:02}] {text}", seconds / 60, seconds % 60);
}
