//! Notifications posted at a steady pace, and whether a client got exactly those that were accepted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::eventsource::Numbering;
use crate::ledger::Fault;

/// What became of a POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered 201.
    Accepted,
    /// Answered with that status, which says that nothing was stored; or 0, when no connection came about.
    Refused(u16),
    /// The connection broke, or the answer says that it is unknown: it may come, and if so then once.
    Unknown(String),
}

/// One POST.
#[derive(Clone, Debug)]
pub struct Posting {
    /// Its channel.
    pub channel: String,
    /// When it began.
    pub begin: Instant,
    /// When it was over.
    pub end: Instant,
    /// What became of it.
    pub outcome: Outcome,
}

impl Posting {
    /// How long it took.
    pub fn duration(&self) -> Duration {
        self.end - self.begin
    }
}

/// Every POST of a test, by its number. Those of a channel were made one after the other.
#[derive(Clone, Debug, Default)]
pub struct Postings {
    postings: BTreeMap<u32, Posting>,
    stored: HashSet<u32>,
}

/// Reads the number out of the message of a notification of that run.
pub fn numbering(run: &str) -> Numbering {
    let begin = format!(r#""message":"{run}-"#);
    Arc::new(move |data| {
        let (_, rest) = data.split_once(begin.as_str())?;
        rest.split('"').next()?.parse().ok()
    })
}

/// The name of a channel by its number.
pub fn channel(number: u32) -> String {
    format!("ward-{number}")
}

impl Postings {
    /// Notes a POST.
    pub fn note(&mut self, number: u32, posting: Posting) {
        self.postings.insert(number, posting);
    }

    /// Notes which notifications of the run Postgres has, by their messages: nobody else knows about those of unknown outcome.
    ///
    /// # Panics
    /// When one that was accepted is missing there, or one that was refused is there.
    pub fn settle(&mut self, run: &str, messages: &str) {
        let number = |message: &str| message.strip_prefix(run)?.strip_prefix('-')?.parse().ok();
        self.stored = messages.lines().filter_map(number).collect();
        for (number, posting) in &self.postings {
            match posting.outcome {
                Outcome::Accepted => assert!(self.stored.contains(number), "{number} was accepted and is not stored"),
                Outcome::Refused(_) => assert!(!self.stored.contains(number), "{number}, {posting:?}, is stored"),
                Outcome::Unknown(_) => {}
            }
        }
    }

    /// Every POST.
    pub fn all(&self) -> impl Iterator<Item = &Posting> {
        self.postings.values()
    }

    /// The POST of that number.
    pub fn of(&self, number: u32) -> Option<&Posting> {
        self.postings.get(&number)
    }

    /// How many notifications of such channels are stored.
    pub fn count(&self, wanted: impl Fn(&str) -> bool) -> usize {
        self.wanted(&wanted).count()
    }

    fn wanted(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (&u32, &Posting)> {
        self.postings.iter().filter(move |(number, posting)| self.stored.contains(number) && wanted(&posting.channel))
    }

    /// What is wrong with the notifications of a client that wants those channels: nothing, if it got each stored one once, and none after
    /// another one of its channel that was posted when it had been accepted.
    pub fn faults(&self, wanted: impl Fn(&str) -> bool, received: &[u32]) -> Vec<Fault> {
        let wants: HashMap<u32, &Posting> = self.wanted(wanted).map(|(number, posting)| (*number, posting)).collect();
        let mut faults = Vec::new();
        let mut seen = HashSet::new();
        let mut newest: HashMap<&str, u32> = HashMap::new();
        for number in received {
            let Some(posting) = wants.get(number) else {
                faults.push(Fault::Unwanted(*number));
                continue;
            };
            if !seen.insert(*number) {
                faults.push(Fault::Doubled(*number));
                continue;
            }
            let newest = newest.entry(&posting.channel).or_insert(*number);
            if posting.outcome == Outcome::Accepted && *number < *newest {
                faults.push(Fault::Late(*number));
            }
            *newest = (*number).max(*newest);
        }
        let mut lost: Vec<u32> = wants.keys().filter(|number| !seen.contains(number)).copied().collect();
        lost.sort_unstable();
        faults.extend(lost.into_iter().map(Fault::Lost));
        faults
    }
}

/// Posts until it is stopped.
pub struct Poster {
    noted: Arc<Mutex<Postings>>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Poster {
    /// Starts to post so many notifications a second to the API at `base`, in turn to so many channels, with messages `<run>-<number>`. A POST
    /// to a channel begins when the one before was answered.
    ///
    /// # Panics
    /// When no HTTP client can be built.
    pub fn start(base: &str, run: &str, per_second: u32, channels: u32) -> Self {
        // Connections are not kept, since instances come and go.
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(15))
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build();
        let client = client.unwrap_or_else(|error| panic!("failed to build an HTTP client: {error}"));
        let (stop, _) = watch::channel(false);
        let (noted, next) = (Arc::new(Mutex::new(Postings::default())), Arc::new(AtomicU32::new(0)));
        let mut tasks = JoinSet::new();
        for number in 0..channels {
            let own = Channel {
                name: channel(number),
                url: format!("{base}/api/notifications"),
                run: run.to_owned(),
                client: client.clone(),
                next: Arc::clone(&next),
                noted: Arc::clone(&noted),
            };
            let period = Duration::from_secs(1) * channels / per_second;
            tasks.spawn(own.post(period, period * number / channels, stop.subscribe()));
        }
        Self { noted, tasks, stop }
    }

    /// What has been posted so far.
    pub fn so_far(&self) -> Postings {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many POSTs that began since then are over.
    pub fn over_since(&self, begin: Instant) -> usize {
        self.so_far().all().filter(|posting| posting.begin >= begin).count()
    }

    /// Ends it: every POST.
    ///
    /// # Panics
    /// When it has failed.
    pub async fn stop(self) -> Postings {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Channel {
    name: String,
    url: String,
    run: String,
    client: reqwest::Client,
    next: Arc<AtomicU32>,
    noted: Arc<Mutex<Postings>>,
}

impl Channel {
    async fn post(self, period: Duration, offset: Duration, mut stop: watch::Receiver<bool>) {
        let mut pace = tokio::time::interval_at(tokio::time::Instant::now() + offset, period);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                _ = pace.tick() => {}
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let begin = Instant::now();
            let outcome = self.one(number).await;
            let posting = Posting { channel: self.name.clone(), begin, end: Instant::now(), outcome };
            self.noted.lock().unwrap_or_else(PoisonError::into_inner).note(number, posting);
        }
    }

    async fn one(&self, number: u32) -> Outcome {
        let body = json!({"message": format!("{}-{number}", self.run), "type": "info", "channel": self.name});
        let answer = match self.client.post(&self.url).json(&body).send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Outcome::Refused(0),
            Err(error) => return Outcome::Unknown(format!("{error:?}")),
        };
        let status = answer.status().as_u16();
        match answer.text().await {
            // The head alone says that it is stored.
            _ if status == 201 => Outcome::Accepted,
            Ok(text) if text.contains("was not stored") => Outcome::Refused(status),
            Ok(text) => Outcome::Unknown(format!("{status} {text}")),
            Err(error) => Outcome::Unknown(format!("{error:?}")),
        }
    }
}
