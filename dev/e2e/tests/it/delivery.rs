//! The API's delivery path: what was accepted comes to each client once and in order, whatever ends meanwhile.

mod audience;
mod backends;
mod checker;
mod crowd;
mod drain;
mod figures;
mod kills;
mod official;

use std::time::Duration;

use realtime_e2e::Stack;
use realtime_e2e::postings::{self, Poster, Postings};

/// What comes at once comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// What was missed while something was away is there this soon after it is back. A client whose instance went together with its network
/// hears of that by the time-out of its pings, 85 s later (interval and time-out of Engine.IO).
const CAUGHT_UP: Duration = Duration::from_secs(120);
/// Channels to which notifications are posted.
const CHANNELS: u32 = 10;

/// Which channels a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wish {
    /// All of them, if there is no list.
    channels: Option<Vec<String>>,
}

impl Wish {
    /// Half of the clients want everything, the others three channels each.
    fn of(client: usize) -> Self {
        let first = u32::try_from(client / 2).unwrap_or_default();
        let three = || (0..3).map(|step| postings::channel((first + step * 3) % CHANNELS)).collect();
        Self { channels: (client % 2 == 1).then(three) }
    }

    fn wants(&self, channel: &str) -> bool {
        self.channels.as_ref().is_none_or(|channels| channels.iter().any(|it| it == channel))
    }

    /// As the stream's query says it.
    fn query(&self) -> String {
        self.channels.as_ref().map(|channels| format!("?channels={}", channels.join(","))).unwrap_or_default()
    }
}

/// Ends the posts, and asks Postgres what became of those whose connection broke.
pub(crate) async fn settled(stack: &Stack, poster: Poster, run: &str) -> Postings {
    let mut postings = poster.stop().await;
    let stored = stack.query(&format!("SELECT message FROM notifications WHERE message LIKE '{run}-%'")).await;
    postings.settle(run, &stored);
    postings
}
