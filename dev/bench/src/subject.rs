//! The server under test: started, and known to do its work.

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::crowd::{Crowd, Watch};
use crate::kafka::{PARTITIONS, free_port};
use crate::peer::{Peer, Programs};
use crate::process::Process;
use crate::production::Production;
use crate::record;
use crate::run::Ground;
use crate::scenario::PATH;

pub(crate) const START: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);
/// Between two records to a partition that is not read yet.
pub(crate) const PROBE: Duration = Duration::from_millis(200);

/// A running server. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Subject {
    /// Starts a server of streams, and returns when a client of it has got a record of each partition.
    pub(crate) fn of_stream(
        peer: Peer,
        programs: &Programs,
        brokers: &str,
        ground: &Ground,
        production: &mut Production,
    ) -> Result<Self> {
        let port = free_port()?;
        let command = peer.command(programs, brokers, port, free_port()?)?;
        let mut partitions = Partitions::default();
        Self::start(peer, &command, port, ground, |server| {
            let mut crowd = Crowd::new(server, ground.interruption.clone())?;
            Self::probe(&mut crowd, &mut partitions, production)
        })
    }

    /// Starts it on its core, and returns when `works` succeeds: a server may refuse or end connections until it can do its work.
    pub(crate) fn start(
        peer: Peer,
        command: &Command,
        port: u16,
        ground: &Ground,
        mut works: impl FnMut(SocketAddr) -> Result<()>,
    ) -> Result<Self> {
        let log = ground.folder.join("server.log");
        let mut process = Process::start(peer.title(), command, ground.cores.server, &log)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            ground.interruption.check()?;
            process.demand(&log)?;
            if begun.elapsed() > START {
                bail!("{} opened no port within {} s", peer.title(), START.as_secs());
            }
            thread::sleep(PAUSE);
        }
        let begun = Instant::now();
        while let Err(error) = works(address) {
            ground.interruption.check()?;
            process.demand(&log)?;
            if begun.elapsed() > START {
                let place = kept(&log);
                return Err(error).with_context(|| format!("{} does not do its work: see {place}", peer.title()));
            }
            thread::sleep(PAUSE);
        }
        Ok(Self { process, address })
    }

    /// With one client, until it has got a record of each partition.
    fn probe(crowd: &mut Crowd, partitions: &mut Partitions, production: &mut Production) -> Result<()> {
        let begun = Instant::now();
        crowd.gather(1, PATH, START, partitions)?;
        while partitions.unread.iter().any(|unread| *unread) {
            let unread: Vec<i32> = (0..PARTITIONS).filter(|partition| partitions.is_unread(*partition)).collect();
            for partition in unread {
                let sent_at = production.send_to(partition, "probe")?;
                partitions.sent.insert(sent_at, partition);
            }
            crowd.turn_for(PROBE, partitions)?;
            if begun.elapsed() > START {
                bail!("some partitions were not read within {} s", START.as_secs());
            }
        }
        Ok(())
    }
}

/// Copies the log, whose folder goes with the run, and gives the place of the copy.
fn kept(log: &Path) -> String {
    let copy = std::env::temp_dir().join("realtime-bench-server.log");
    match fs::copy(log, &copy) {
        Ok(_) => copy.display().to_string(),
        Err(error) => format!("(its log was not kept: {error})"),
    }
}

/// Which partitions have shown themselves.
struct Partitions {
    unread: [bool; PARTITIONS.unsigned_abs() as usize],
    sent: HashMap<u64, i32>,
}

impl Default for Partitions {
    fn default() -> Self {
        Self { unread: [true; PARTITIONS.unsigned_abs() as usize], sent: HashMap::new() }
    }
}

impl Partitions {
    fn is_unread(&self, partition: i32) -> bool {
        usize::try_from(partition).is_ok_and(|index| self.unread[index])
    }
}

impl Watch for Partitions {
    fn frame(&mut self, _client: usize, frame: &[u8], _now: u64) {
        let partition = record::sent_at(frame).and_then(|sent_at| self.sent.get(&sent_at));
        if let Some(index) = partition.and_then(|partition| usize::try_from(*partition).ok()) {
            self.unread[index] = false;
        }
    }
}
