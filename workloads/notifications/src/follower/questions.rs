//! What the follower asks about the topics, and what it does with the answers.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::consumer::Consumer;
use realtime_chassis::kafka::aside::{self, Answer, within};
use tokio::time::Instant;

use super::{Error, Follower, watch::Place};
use crate::{
    broadcast::Broadcast,
    course::Next,
    survey::{self, QUESTION, Survey, ends, survey},
};

/// What the brokers said, and where the logs end of partitions that had not moved.
pub(super) struct Seen {
    pub(super) survey: Survey,
    asked: usize,
    ends: BTreeMap<Place, u64>,
}

/// A question about the topics that is being asked.
pub(super) struct Question {
    pub(super) answer: Answer<Result<Seen, survey::Error>>,
    /// When it was begun.
    begun: Instant,
    pub(super) limit: Duration,
}

impl Follower {
    pub(super) fn question(&self, all: bool) -> Question {
        let (consumer, names, known) = (self.consumer.clone(), self.course.lanes.names(), self.course.known());
        // Whoever asks for everything compares the ends as well.
        let still = if all { Vec::new() } else { self.watch.still(&self.positions()) };
        let partitions = u32::try_from(self.course.positions().count()).unwrap_or(u32::MAX);
        let answer = aside::call(move || {
            let survey = survey(consumer.client(), &names, known, all)?;
            Ok(Seen { survey, asked: still.len(), ends: ends(consumer.client(), still) })
        });
        // For ids, for extents of which one is away, and for the ends.
        let limit = QUESTION * 6 + Duration::from_secs(1).saturating_mul(partitions);
        Question { answer, begun: Instant::now(), limit }
    }

    pub(super) fn ask(&mut self) {
        if self.wanted && self.question.is_none() {
            self.question = Some(self.question(self.overtaken));
            (self.wanted, self.overtaken) = (false, false);
        }
    }

    pub(super) async fn learn(
        &mut self,
        begun: Instant,
        answer: Result<Result<Seen, survey::Error>, aside::Error>,
        out: &mut impl Broadcast,
    ) {
        self.question = None;
        let learned = match answer.map_err(Error::AwaitBrokers).and_then(|seen| seen.map_err(Error::LookAtTopics)) {
            Ok(seen) => self.go_on(seen, out).await,
            Err(error) => Err(error),
        };
        match learned {
            Ok(()) => {
                self.course.lanes.surveys.made(begun);
                self.outage.ended();
            }
            Err(error) => self.fail_to_ask(&error),
        }
    }

    pub(super) async fn go_on(
        &mut self,
        Seen { survey, asked, ends }: Seen,
        out: &mut impl Broadcast,
    ) -> Result<(), Error> {
        let positions = self.positions();
        match self.course.observe(&survey, out) {
            Next::GoOn => {}
            Next::Assign => self.assign().await?,
            Next::Renew => self.renew().await?,
        }
        // Where nothing moves and nobody says where anything ends, the client may have lost the brokers that it reads from.
        if asked > 0 && asked == positions.len() && ends.is_empty() {
            self.watch.failed(Instant::now());
        } else if let Some(stall) = self.watch.look(&positions, &ends, Instant::now())
            // A user who may not read a topic is told so by its records.
            && !self.refusal.lasts()
        {
            self.replace(stall).await;
        }
        Ok(())
    }

    pub(super) fn fail_to_ask(&mut self, error: &Error) {
        self.outage.failed(error);
        self.watch.failed(Instant::now());
        // Whatever was to be found out is found out by the next question.
        self.overtaken = true;
    }

    /// Where partitions stand: as far as the course has come, or behind it, where the client has passed what is no record.
    pub(super) fn positions(&self) -> BTreeMap<Place, u64> {
        let told = self.told.borrow();
        let passed =
            |topic: &str, partition| told.progress.get(&(topic.to_owned(), partition)).map_or(0, |read| read.up_to);
        let position = |(topic, partition, next): (&str, i32, u64)| {
            ((topic.into(), partition), next.max(passed(topic, partition)))
        };
        self.course.positions().map(position).collect()
    }
}

/// The answer to the question, if one is being asked, and when that was begun.
pub(super) async fn answer(
    question: &mut Option<Question>,
) -> (Instant, Result<Result<Seen, survey::Error>, aside::Error>) {
    match question {
        Some(Question { answer, begun, limit }) => {
            (*begun, within(limit.saturating_sub(begun.elapsed()), answer).await)
        }
        None => std::future::pending().await,
    }
}
