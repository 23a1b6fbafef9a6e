//! Benchmarks: everything that they need is built, then a program of their own measures.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::arguments::Rounds;
use crate::images::workload;
use crate::session::Session;
use crate::{cache, command, key, packages, repository};

/// What npm reads, and a server on Node.
const NODE_INPUTS: [&str; 3] = ["package.json", "package-lock.json", "server.mjs"];

/// What is measured, and how often.
#[derive(Debug)]
pub(crate) struct Options {
    /// Scenarios; none is all.
    pub(crate) only: Vec<String>,
    /// Servers; none is all.
    pub(crate) peers: Vec<String>,
    /// How often, and whether the page of the documentation gets the figures.
    pub(crate) rounds: Rounds,
}

/// Measures the notifications service. Becomes the program that does so, which then gets the terminal's signals.
pub(crate) fn notifications(session: &Session, options: &Options) -> Result<()> {
    packages::install_for_benchmarks(session)?;
    let (kafka, node) = (kafka(session)?, node(session, "node")?);
    let programs = Programs::compile(session, &["realtime-notifications"])?;
    let mut bench = programs.bench("notifications")?;
    bench.arg("--kafka").arg(kafka).arg("--node").arg(node);
    bench.arg("--notifications").arg(programs.get("realtime-notifications")?);
    measure(session, bench, "notifications", options)
}

/// The same with the API.
pub(crate) fn api(session: &Session, options: &Options) -> Result<()> {
    packages::install_for_api_benchmark(session)?;
    let (kafka, rest, node) = (kafka(session)?, node(session, "node-rest")?, node(session, "node-api")?);
    let programs = Programs::compile(session, &["realtime-api", "realtime-consumer"])?;
    let mut bench = programs.bench("api")?;
    bench.arg("--kafka").arg(kafka).arg("--node").arg(node).arg("--node-rest").arg(rest);
    bench.arg("--api").arg(programs.get("realtime-api")?).arg("--consumer").arg(programs.get("realtime-consumer")?);
    measure(session, bench, "api", options)
}

/// Release programs, the one that measures among them.
struct Programs(Vec<PathBuf>);

impl Programs {
    fn compile(session: &Session, services: &[&str]) -> Result<Self> {
        let packages: Vec<&str> =
            services.iter().chain([&"realtime-bench"]).flat_map(|name| ["--package", *name]).collect();
        let programs = session.progress.step("compile the release programs", Duration::from_secs(420), || {
            workload::compile_release(&session.cache, &packages)
        })?;
        Ok(Self(programs))
    }

    fn get(&self, name: &str) -> Result<&Path> {
        let found = self.0.iter().find(|path| path.file_name().is_some_and(|file| file == name));
        found.map(PathBuf::as_path).with_context(|| format!("cargo built no program {name}"))
    }

    /// The command of that benchmark.
    fn bench(&self, name: &str) -> Result<Command> {
        let mut bench = command::new(self.get("realtime-bench")?);
        bench.arg(name);
        Ok(bench)
    }
}

fn measure(session: &Session, mut bench: Command, name: &str, options: &Options) -> Result<()> {
    bench.arg("--work").arg(session.cache.root());
    bench.arg("--results").arg(repository::root().join(format!("target/bench/{name}.json")));
    pass(&mut bench, options);
    Err(bench.exec()).context("failed to start realtime-bench")
}

fn pass(bench: &mut Command, options: &Options) {
    bench.args(["--rounds", &options.rounds.rounds.to_string()]);
    for (name, values) in [("--only", &options.only), ("--peers", &options.peers)] {
        if !values.is_empty() {
            bench.args([name, &values.join(",")]);
        }
    }
    if options.rounds.write {
        bench.arg("--write").arg(repository::root().join("docs/benchmarks.md"));
    }
}

/// The folder of Kafka's jars, the same ones that the local image holds.
fn kafka(session: &Session) -> Result<PathBuf> {
    let description = repository::root().join("dev/images/kafka.xml");
    let text = fs::read_to_string(&description).with_context(|| format!("failed to read {}", description.display()))?;
    kept(session, "kafka", &[text], Duration::from_secs(60), |folder| {
        let mut maven = command::new("mvn");
        maven.args(["--batch-mode", "--quiet", "--file"]).arg(&description);
        maven.arg("dependency:copy-dependencies").arg(format!("-DoutputDirectory={}", folder.display()));
        command::run(&mut maven, &session.cache.logs().join("bench-kafka.log"))
    })
}

/// The folder of that server on Node, with its packages.
fn node(session: &Session, name: &str) -> Result<PathBuf> {
    let source = repository::root().join("dev/bench/peers").join(name);
    let read = |input: &str| {
        let path = source.join(input);
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
    };
    let texts = NODE_INPUTS.iter().map(|input| read(input)).collect::<Result<Vec<_>>>()?;
    kept(session, name, &texts, Duration::from_secs(5), |folder| {
        fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
        for (input, text) in NODE_INPUTS.iter().zip(&texts) {
            fs::write(folder.join(input), text).with_context(|| format!("failed to write {input}"))?;
        }
        let mut npm = command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
        command::run(&mut npm, &session.cache.logs().join("bench-npm.log"))
    })
}

/// A folder of the cache by what it is made from, filled unless it is there.
fn kept(
    session: &Session,
    name: &str,
    inputs: &[String],
    first_estimate: Duration,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let parent = session.cache.root().join("peers");
    fs::create_dir_all(&parent).with_context(|| format!("failed to create {}", parent.display()))?;
    let key = key::of_texts(&inputs.iter().map(String::as_str).collect::<Vec<_>>())?;
    let folder = parent.join(format!("{name}-{key}"));
    let _lock = session.cache.lock("build")?;
    if !folder.exists() {
        session.progress.step(&format!("fetch what the benchmark's {name} needs"), first_estimate, || {
            cache::publish(&folder, |partial, _| fill(partial))
        })?;
    }
    Ok(folder)
}
