//! The API's delivery path: what was accepted comes to each client once and in order, whatever ends meanwhile.

mod checker;
mod official;

use std::time::Duration;

use realtime_e2e::postings;

/// What comes at once comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);
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
