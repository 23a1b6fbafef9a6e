//! The server under test: started, and known to read every partition.

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::crowd::{Crowd, Watch};
use crate::interruption::Interruption;
use crate::kafka::{PARTITIONS, free_port};
use crate::peer::{Peer, Programs};
use crate::process::Process;
use crate::production::Production;
use crate::record;
use crate::scenario::PATH;

const START: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);
/// Between two records to a partition that is not read yet.
const PROBE: Duration = Duration::from_millis(200);

/// A running server. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Subject {
    /// Starts it, and returns when a client of it has got a record of each partition.
    pub(crate) fn start(
        peer: Peer,
        programs: &Programs,
        brokers: &str,
        core: usize,
        log: &Path,
        production: &mut Production,
        interruption: &Interruption,
    ) -> Result<Self> {
        let port = free_port()?;
        let command = peer.command(programs, brokers, port, free_port()?);
        let mut process = Process::start(peer.title(), &command, core, log)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            interruption.check()?;
            process.demand(log)?;
            if begun.elapsed() > START {
                bail!("{} opened no port within {} s", peer.title(), START.as_secs());
            }
            thread::sleep(PAUSE);
        }
        let subject = Self { process, address };
        let read = subject.await_partitions(production, interruption);
        read.with_context(|| format!("{} does not read the topic: see {}", peer.title(), kept(log)))?;
        Ok(subject)
    }

    fn await_partitions(&self, production: &mut Production, interruption: &Interruption) -> Result<()> {
        let begun = Instant::now();
        let mut crowd = Crowd::new(self.address, interruption.clone())?;
        let mut partitions = Partitions::default();
        // A server may end streams until it reads.
        while let Err(error) = Self::probe(&mut crowd, &mut partitions, production) {
            interruption.check()?;
            if begun.elapsed() > START {
                return Err(error);
            }
            thread::sleep(PAUSE);
            crowd = Crowd::new(self.address, interruption.clone())?;
        }
        Ok(())
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
