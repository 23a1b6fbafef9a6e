//! A real Redis with the settings of a stack's.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::kafka::free_port;
use crate::process::Process;
use crate::run::Ground;

const START: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// The server. Ends when it is dropped; its data lies in the folder of the run.
#[derive(Debug)]
pub(super) struct Redis {
    pub(super) process: Process,
    port: u16,
}

impl Redis {
    /// Starts it on the core of the load.
    pub(super) fn start(ground: &Ground) -> Result<Self> {
        let data = ground.folder.join("redis");
        fs::create_dir_all(&data).with_context(|| format!("failed to create {}", data.display()))?;
        let port = free_port()?;
        let log = ground.folder.join("redis.log");
        let mut process = Process::start("Redis", &command(&data, port), ground.cores.load, &log)?;
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ground.interruption.check()?;
            process.demand(&log)?;
            if begun.elapsed() > START {
                bail!("Redis opened no port within {} s", START.as_secs());
            }
            thread::sleep(PAUSE);
        }
        Ok(Self { process, port })
    }

    /// Where clients find it.
    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

fn command(data: &Path, port: u16) -> Command {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--dir"]).arg(data);
    command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]);
    command
}
