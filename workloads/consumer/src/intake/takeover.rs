//! How another client joins the group in the place of this one.

use realtime_contract::topic::NOTIFICATIONS;
use tokio::time::Instant;
use tracing::{error, warn};
use uuid::Uuid;

use super::Intake;
use super::member::Member;
use super::sequence::Sequence;
use super::watch::Stall;

impl Intake {
    /// When the topic was created anew, the offsets of its new life are taken up, whatever the group says.
    pub(super) async fn compare(&mut self) {
        let topic_id = *self.member.topic_id.borrow_and_update();
        if self.member.life.is_former_to(topic_id) {
            self.begin_life(topic_id).await;
        }
    }

    /// By another client: the old one remembers of the former life what can keep it from reading this one.
    pub(super) async fn begin_life(&mut self, topic_id: Uuid) {
        warn!(topic = NOTIFICATIONS, %topic_id, "topic was created anew, joining the group anew");
        self.join_anew().await;
    }

    /// Another look whether the client lives.
    pub(super) async fn round(&mut self) {
        if let Some(stall) = self.watch.round(Instant::now()) {
            self.give_up(&stall).await;
        }
    }

    /// The client does not follow, and will not by itself.
    pub(super) async fn give_up(&mut self, stall: &Stall) {
        self.measures.clients_given_up.with_label_values(&[stall.cause()]).inc();
        warn!(error = stall as &dyn std::error::Error, "another Kafka client joins the group anew");
        self.watch.give_up(Instant::now());
        self.join_anew().await;
    }

    /// By another client, which takes up at the stored offsets what the group gives to it. No batch is under way meanwhile.
    async fn join_anew(&mut self) {
        match Member::join(&self.config, &self.token) {
            Ok(member) => {
                self.progress.forget();
                self.assigned.clear();
                self.again = None;
                self.sequence = Sequence::default();
                std::mem::replace(&mut self.member, member).leave().await;
            }
            // The settings were good enough for the first client; the next look tries again.
            Err(error) => error!(error = &error as &dyn std::error::Error, "no other client to be had"),
        }
    }
}
