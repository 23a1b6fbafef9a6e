//! A real Postgres with its data in a folder that goes with it. Every commit is on the disk before it is answered, as by default.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use realtime_contract::database::{DATABASE, ROLE};

use super::database::Database;
use crate::kafka::free_port;
use crate::process::{self, End, Process};
use crate::run::Ground;

/// Where Debian's packages have the programs, by version.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// The user of Debian's package: Postgres refuses to run as root.
const USER: &str = "postgres";
/// Not in the folder of the run, which that user may not reach.
const FOLDER: &str = "/var/tmp/realtime-bench-postgres";
const START: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// The server. Ends when it is dropped, and its data with it.
#[derive(Debug)]
pub(super) struct Postgres {
    // Ended before its folder is removed.
    pub(super) process: Process,
    url: String,
    _folder: Folder,
}

impl Postgres {
    /// Initialises a folder, starts the server on the core of the load, and creates the database.
    pub(super) fn start(ground: &Ground) -> Result<Self> {
        let programs = programs()?;
        let user = rustix::process::geteuid().is_root().then_some(USER);
        let (folder, core) = (Folder::create(user)?, ground.cores.load);
        let log = ground.folder.join("postgres.log");
        let mut initialise = Command::new(programs.join("initdb"));
        initialise.args(["--auth", "trust", "--username", ROLE, "--encoding", "UTF8", "--locale", "C.UTF-8"]);
        initialise.arg("--data-checksums").arg("--pgdata").arg(&folder.0);
        process::run_as("initdb", &initialise, user, core, &log)?;
        let port = free_port()?;
        let mut command = Command::new(programs.join("postgres"));
        command.arg("-D").arg(&folder.0).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""]);
        let process = Process::start_as("Postgres", &command, user, End::Interrupt, core, &log)?;
        let url = format!("postgresql://{ROLE}@127.0.0.1:{port}/{DATABASE}");
        let mut postgres = Self { process, url, _folder: folder };
        postgres.create_database(ground, &format!("postgresql://{ROLE}@127.0.0.1:{port}/postgres"), &log)?;
        Ok(postgres)
    }

    /// Where clients find the database.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    fn create_database(&mut self, ground: &Ground, url: &str, log: &Path) -> Result<()> {
        let begun = Instant::now();
        loop {
            match Database::connect(url) {
                Ok(mut database) => return database.execute(&format!("CREATE DATABASE {DATABASE}")),
                Err(error) if begun.elapsed() > START => return Err(error),
                Err(_) => {}
            }
            ground.interruption.check()?;
            self.process.demand(log)?;
            thread::sleep(PAUSE);
        }
    }
}

/// The newest version's.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir(PROGRAMS).with_context(|| format!("failed to list {PROGRAMS}"))?;
    let version = |path: PathBuf| Some((path.file_name()?.to_str()?.parse::<u32>().ok()?, path));
    let newest = versions.filter_map(|entry| version(entry.ok()?.path())).max();
    let Some((_, path)) = newest else { bail!("no version of Postgres is in {PROGRAMS}") };
    Ok(path.join("bin"))
}

/// Removed when it is dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    /// Anew: an earlier run may have been killed. The lock of the run keeps others away.
    fn create(user: Option<&str>) -> Result<Self> {
        let folder = Self(PathBuf::from(FOLDER));
        folder.remove().with_context(|| format!("failed to empty {FOLDER}"))?;
        fs::create_dir(&folder.0).with_context(|| format!("failed to create {FOLDER}"))?;
        if let Some(user) = user {
            let status = Command::new("chown").arg(user).arg(&folder.0).status().context("failed to start chown")?;
            if !status.success() {
                bail!("chown ended with {status}");
            }
        }
        Ok(folder)
    }

    fn remove(&self) -> std::io::Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("failed to remove {FOLDER}: {error}");
        }
    }
}
