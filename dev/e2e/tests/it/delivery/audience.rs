//! Clients of both kinds at once, and whether each got what it wants.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use realtime_contract::Component;
use realtime_e2e::clients::Transport;
use realtime_e2e::clients::crowd::{Member, Record, SocketCrowd};
use realtime_e2e::entrance::Entrances;
use realtime_e2e::eventsource::{self, Crowd};
use realtime_e2e::ledger::Fault;
use realtime_e2e::postings::{self, Postings};
use realtime_e2e::{Stack, eventually};

use super::{CAUGHT_UP, Wish};

/// Ways in: more than instances, so that clients are spread whatever an instance does.
const ENTRANCES: usize = 6;

/// Clients that are connected as long as this value lives: half of them EventSources, half the official Socket.IO clients, of which one
/// third polls, one third has websockets from the beginning, and one third changes to them.
pub(super) struct Audience {
    pub(super) streams: Crowd,
    pub(super) sockets: SocketCrowd,
    begin: Instant,
    stack: Stack,
    run: String,
    // Closed behind the clients.
    _entrances: Entrances,
}

/// The transport of a Socket.IO client.
pub(super) const fn transport(client: usize) -> Transport {
    Transport::ALL[client / 2 % Transport::ALL.len()]
}

impl Audience {
    /// Has so many clients come, and waits until each is there.
    pub(super) async fn gather(stack: &Stack, run: &str, clients: usize) -> Self {
        let entrances = Entrances::open(stack, Component::Api, ENTRANCES).await;
        let stream =
            |client: usize| format!("{}/api/sse/notifications{}", entrances.url(client), Wish::of(client).query());
        let member = |client: usize| Member {
            url: entrances.url(client).to_owned(),
            transport: transport(client),
            channels: Wish::of(client).channels,
        };
        let streams: Vec<String> = (0..clients / 2).map(stream).collect();
        let members: Vec<Member> = (0..clients - clients / 2).map(member).collect();
        let audience = Self {
            streams: Crowd::open(&streams, &postings::numbering(run)),
            sockets: SocketCrowd::open(run, &members),
            begin: Instant::now(),
            stack: stack.clone(),
            run: run.to_owned(),
            _entrances: entrances,
        };
        audience.complete_at_the_beginning().await;
        audience
    }

    async fn complete_at_the_beginning(&self) {
        eventually("each client is greeted", CAUGHT_UP, async || {
            let greeted = self.streams.of_each(|record| record.greetings > 0).iter().filter(|it| **it).count();
            let counts = self.sockets.counts().await;
            let connected = counts.iter().filter(|count| count.opened > 0).count();
            let all = (greeted, connected) == (self.streams.len(), counts.len());
            let told = format!("{greeted} of {} streams, {connected} of {} sockets", self.streams.len(), counts.len());
            if all { Ok(()) } else { Err(told) }
        })
        .await;
        self.tell("all are there").await;
    }

    /// What the first of each kind has got, which want everything.
    async fn got(&self) -> [usize; 2] {
        [self.streams.record(0).received.len(), self.sockets.counts().await[0].received]
    }

    /// Waits until the first client of each kind has so many notifications more.
    pub(super) async fn goes_on(&self, more: usize) {
        let before = self.got().await;
        eventually("notifications arrive", CAUGHT_UP, async || {
            let now = self.got().await;
            let all = now.iter().zip(before).all(|(now, before)| *now >= before + more);
            if all { Ok(()) } else { Err(format!("{before:?} and then {now:?}")) }
        })
        .await;
    }

    /// Tells people how it goes.
    pub(super) async fn tell(&self, step: &str) {
        let ended: usize = self.streams.of_each(|record| record.ended.len()).iter().sum();
        let delivered: usize = self.streams.of_each(|record| record.received.len()).iter().sum();
        let counts = self.sockets.counts().await;
        let again: u32 = counts.iter().map(|count| count.opened).sum();
        let emitted: usize = counts.iter().map(|count| count.received).sum();
        eprintln!(
            "{:>6.1} s {step}: {delivered} deliveries by streams, {ended} of them ended; {emitted} by sockets, {again} connections",
            self.begin.elapsed().as_secs_f64()
        );
    }

    /// Prints how far those came that one of the clients, which wants everything, did not get.
    async fn explain(&self, postings: &Postings, sockets: &[Record]) {
        let lost = |received: &[u32]| {
            postings.faults(|_| true, received).into_iter().filter_map(|fault| match fault {
                Fault::Lost(number) => Some(number),
                _ => None,
            })
        };
        let mut numbers: Vec<u32> = lost(&self.streams.record(0).received).chain(lost(&sockets[0].received)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers.into_iter().take(5) {
            let stations = format!(
                "SELECT now(), message, channel, status, created_at,
                    (SELECT count(*) FROM outbox WHERE convert_from(payload, 'UTF8') LIKE '%\"' || message || '\"%') AS waiting,
                    (SELECT position FROM feed WHERE feed.channel = notifications.channel AND feed.notification->>'message' = message) AS position,
                    (SELECT count(*) FROM dead_letters) AS dead,
                    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks
                FROM notifications WHERE message = '{}-{number}'", self.run
            );
            eprintln!("{number}, {:?}: {}", postings.of(number), self.stack.query(&stations).await);
        }
        eprintln!("offsets: {}", self.stack.query("SELECT * FROM offsets").await);
        let sessions = "SELECT pid, client_addr, state, now() - xact_start, left(query, 60) FROM pg_stat_activity WHERE client_addr IS NOT NULL";
        eprintln!("sessions:\n{}", self.stack.query(sessions).await);
    }

    /// Waits until each client has as many notifications as it wants, and then demands that they are those that it wants, once and in order.
    pub(super) async fn complete(&self, postings: &Postings) -> Vec<Record> {
        let wanted = |client: usize| postings.count(|channel| Wish::of(client).wants(channel));
        let deadline = Instant::now() + CAUGHT_UP;
        while Instant::now() < deadline {
            let streams = self.streams.of_each(|record| record.received.len());
            let sockets: Vec<usize> = self.sockets.counts().await.iter().map(|count| count.received).collect();
            let waits = |(client, received): (usize, &usize)| *received < wanted(client);
            if !streams.iter().enumerate().chain(sockets.iter().enumerate()).any(waits) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let records = self.sockets.records().await;
        let mut failures = Vec::new();
        for client in 0..self.streams.len() {
            let record = self.streams.record(client);
            let faults = postings.faults(|channel| Wish::of(client).wants(channel), &record.received);
            let eventsource::Record { opened, gaps, refused, last_event_id, .. } = record;
            if !faults.is_empty() || !gaps.is_empty() || refused.is_some() {
                let faults = some(&faults);
                failures.push(format!(
                    "stream {client}: {faults}, opened {opened}, gaps {gaps:?}, refused {refused:?}, at {last_event_id}"
                ));
            }
        }
        for (client, record) in records.iter().enumerate() {
            let faults = postings.faults(|channel| Wish::of(client).wants(channel), &record.received);
            if !faults.is_empty() || !record.gaps.is_empty() || record.refused.is_some() {
                let (faults, way) = (some(&faults), transport(client));
                let Record { opened, recovered, gaps, refused, offset, ended, .. } = record;
                failures.push(format!(
                    "socket {client} {way:?}: {faults}, opened {opened}, recovered {recovered}, gaps {gaps:?}, refused {refused:?}, at {offset:?}, ended {ended:?}"
                ));
            }
        }
        report(postings, &self.streams, &records);
        let all = self.streams.len() + records.len();
        if !failures.is_empty() {
            self.explain(postings, &records).await;
        }
        let some = failures[..failures.len().min(10)].join("\n");
        assert!(failures.is_empty(), "{} of {all} clients are not right:\n{some}", failures.len());
        self.tell("complete").await;
        records
    }
}

fn some(faults: &[Fault]) -> String {
    format!("{} faults {:?}", faults.len(), &faults[..faults.len().min(8)])
}

fn report(postings: &Postings, streams: &Crowd, sockets: &[Record]) {
    let mut outcomes: BTreeMap<String, (usize, Duration)> = BTreeMap::new();
    for posting in postings.all() {
        let (count, longest) = outcomes.entry(format!("{:?}", posting.outcome)).or_default();
        *count += 1;
        *longest = posting.duration().max(*longest);
    }
    for (outcome, (count, longest)) in outcomes {
        eprintln!("{count} POSTs, which took up to {longest:?}: {outcome}");
    }
    let stored = postings.count(|_| true);
    let deliveries: usize = streams.of_each(|it| it.received.len()).iter().sum();
    let emitted: usize = sockets.iter().map(|record| record.received.len()).sum();
    let again: u32 = sockets.iter().map(|record| record.opened - record.opened.min(1)).sum();
    let recovered: u32 = sockets.iter().map(|record| record.recovered).sum();
    eprintln!(
        "{} streams, {} sockets, {stored} notifications; {deliveries} and {emitted} deliveries; sockets came back {again} times, recovered {recovered} times",
        streams.len(),
        sockets.len()
    );
}
