//! A whole run: round after round each scenario against each server, then the figures.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::figures::{Failure, Figures, Measurement, Metric};
use crate::interruption::Interruption;
use crate::peer::Peer;
use crate::processors::{self, Cores};
use crate::report::{self, Page};

/// Options of every run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder in which the run has its own files, in one that is removed
    #[arg(long)]
    work: PathBuf,
    /// File for all values
    #[arg(long)]
    results: PathBuf,
    /// How often everything is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// The page whose figures are replaced; its chart stands beside it
    #[arg(long)]
    write: Option<PathBuf>,
}

/// What a scenario found.
pub(crate) type Values = Vec<(Metric, f64)>;

/// A part of a benchmark.
pub(crate) trait Part: Copy {
    /// Name in lines and failures.
    fn name(self) -> &'static str;

    /// Whether it says anything about that server.
    fn concerns(self, peer: Peer) -> bool;
}

/// What is started once for a run, and measures.
pub(crate) trait Bench {
    /// Its scenarios.
    type Scenario: Part;

    /// Runs the scenario against the server, which is started for it.
    fn measure(&mut self, scenario: Self::Scenario, peer: Peer) -> Result<Values>;
}

/// What a run has: cores, a folder of its own, and a watch for signals.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) cores: Cores,
    pub(crate) folder: PathBuf,
    pub(crate) interruption: Interruption,
    begun: Instant,
}

/// Measures, prints the tables of each page of which something was measured, and writes what is asked for. A measurement that failed is an error, but only at the end.
pub(crate) fn run<B: Bench>(
    pages: &[&Page],
    options: &Options,
    scenarios: &[B::Scenario],
    peers: &[Peer],
    start: impl FnOnce(&Ground) -> Result<B>,
) -> Result<()> {
    let cores = processors::choose()?;
    processors::stay_on(cores.load)?;
    processors::raise_open_files()?;
    let interruption = Interruption::watch()?;
    let work = Work::open(&options.work)?;
    let ground = Ground { cores, folder: work.path.clone(), interruption, begun: Instant::now() };
    let mut bench = start(&ground)?;
    let figures = rounds(&ground, &mut bench, options.rounds, scenarios, peers)?;
    drop((bench, work));
    report::write_results(&options.results, &figures)?;
    for (page, part) in pages.iter().filter_map(|page| Some((*page, page.part(&figures)?))) {
        report::print(page, &part)?;
        if let Some(path) = &options.write {
            report::write_page(path, page, &part)?;
        }
    }
    if let Some(failure) = figures.failures.first() {
        bail!("{} measurements failed, the first one: {}: {}", figures.failures.len(), failure.scenario, failure.error);
    }
    Ok(())
}

fn rounds<B: Bench>(
    ground: &Ground,
    bench: &mut B,
    rounds: u16,
    scenarios: &[B::Scenario],
    peers: &[Peer],
) -> Result<Figures> {
    let mut figures = Figures::default();
    for round in 1..=usize::from(rounds) {
        for scenario in scenarios {
            for peer in peers.iter().filter(|peer| scenario.concerns(**peer)) {
                let begun = Instant::now();
                let result = bench.measure(*scenario, *peer);
                // A failure is noted, unless somebody wants the run to end.
                ground.interruption.check()?;
                note(ground, round, (scenario.name(), *peer), begun, result, &mut figures);
            }
        }
    }
    Ok(figures)
}

fn note(
    ground: &Ground,
    round: usize,
    (scenario, peer): (&str, Peer),
    begun: Instant,
    result: Result<Values>,
    figures: &mut Figures,
) {
    let name = format!("round {round}: {scenario} of {}", peer.title());
    let seconds = begun.elapsed().as_secs();
    match result {
        Ok(values) => {
            let texts =
                values.iter().map(|(metric, value)| format!("{} {}", metric.title(), metric.unit().text(*value)));
            ground.say(&format!("{name}, {seconds} s: {}", texts.collect::<Vec<_>>().join("; ")));
            let measured = values.into_iter().map(|(metric, value)| Measurement { round, peer, metric, value });
            figures.measurements.extend(measured);
        }
        Err(error) => {
            let error = format!("{error:#}");
            ground.say(&format!("{name}: FAILED after {seconds} s: {error}"));
            figures.failures.push(Failure { round, peer, scenario: scenario.to_owned(), error });
        }
    }
}

impl Ground {
    /// A line on the terminal, with the time since the run began.
    pub(crate) fn say(&self, text: &str) {
        let seconds = self.begun.elapsed().as_secs();
        eprintln!("[{:3}:{:02}] {text}", seconds / 60, seconds % 60);
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
