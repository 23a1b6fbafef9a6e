//! What must have happened by when.

use std::time::{Duration, Instant};

use crate::{namespace::Transport, settings::Settings};

/// What must have happened by when, on one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// When the next ping goes out, or its answer must have come.
    beat: Instant,
    is_asked: bool,
    /// The client, which has no socket, must come again.
    come_by: Option<Instant>,
    /// The client must be in a namespace.
    enter_by: Option<Instant>,
    /// What the client has begun to send must be whole.
    whole_by: Option<Instant>,
    /// What is kept elsewhere was renewed.
    kept_at: Instant,
    /// When the shard was asked to wake.
    awaited: Option<Instant>,
}

/// What the time has come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A ping goes out.
    Ping,
    /// The client did not answer a ping.
    Silent,
    /// The client did not come again, or entered no namespace.
    NotEntered,
    /// What the client began to send is not whole.
    NotWhole,
}

impl Deadlines {
    /// Of a connection that begins.
    pub(crate) fn new(settings: &Settings, transport: Transport, now: Instant) -> Self {
        Self {
            beat: now + settings.ping_interval,
            is_asked: false,
            come_by: (transport == Transport::Polling).then(|| now + settings.return_time),
            enter_by: Some(now + settings.connect_time),
            whole_by: None,
            kept_at: now,
            awaited: None,
        }
    }

    /// What the time has come for.
    pub(crate) fn due(&self, now: Instant) -> Option<Due> {
        let is_over = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        match () {
            () if self.is_asked && self.beat <= now => Some(Due::Silent),
            () if is_over(self.come_by) || is_over(self.enter_by) => Some(Due::NotEntered),
            () if is_over(self.whole_by) => Some(Due::NotWhole),
            () if self.beat <= now => Some(Due::Ping),
            () => None,
        }
    }

    /// A ping went out.
    pub(crate) fn asked(&mut self, settings: &Settings, now: Instant) {
        (self.is_asked, self.beat) = (true, now + settings.ping_timeout);
    }

    /// A pong came.
    pub(crate) fn answered(&mut self, settings: &Settings, now: Instant) {
        (self.is_asked, self.beat) = (false, now + settings.ping_interval);
    }

    /// A request came behind the first one.
    pub(crate) const fn came_again(&mut self) {
        self.come_by = None;
    }

    /// The client is in a namespace: from now on it may also be in none.
    pub(crate) const fn entered(&mut self) {
        self.enter_by = None;
    }

    /// Whether the client has sent a part of something. `anew` says that something else became whole before.
    pub(crate) fn has_part(&mut self, is_part: bool, anew: bool, time: Duration, now: Instant) {
        if !is_part {
            self.whole_by = None;
        } else if anew || self.whole_by.is_none() {
            self.whole_by = Some(now + time);
        }
    }

    /// Whether what is kept elsewhere is to be renewed, if one looks once an interval; then it counts as done.
    pub(crate) fn keeps(&mut self, settings: &Settings, now: Instant) -> bool {
        let is_due = now + settings.ping_interval / 2 >= self.kept_at + settings.keep_every;
        if is_due {
            self.kept_at = now;
        }
        is_due
    }

    /// When to wake, for these or for what else there is to do at a time, if the shard was not asked for that time yet.
    pub(crate) fn next_wake(&mut self, other: Option<Instant>) -> Option<Instant> {
        let times = [self.come_by, self.enter_by, self.whole_by, other];
        let next = times.into_iter().flatten().fold(self.beat, Instant::min);
        let is_new = self.awaited.replace(next) != Some(next);
        is_new.then_some(next)
    }

    /// The shard woke the connection: what it was asked for before counts no more.
    pub(crate) const fn woken(&mut self) {
        self.awaited = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(60),
            ..Settings::default()
        }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_ping_goes_out_after_each_interval_and_has_to_be_answered() {
        let (settings, start) = (settings(), Instant::now());
        let mut deadlines = Deadlines::new(&settings, Transport::WebSocket, start);
        deadlines.entered();
        assert_eq!(deadlines.next_wake(None), Some(after(start, 25)));
        assert_eq!(deadlines.next_wake(None), None, "the shard is asked for the same time twice");
        assert_eq!((deadlines.due(after(start, 24)), deadlines.due(after(start, 25))), (None, Some(Due::Ping)));
        deadlines.asked(&settings, after(start, 25));
        assert_eq!(deadlines.next_wake(None), Some(after(start, 85)));
        assert_eq!((deadlines.due(after(start, 84)), deadlines.due(after(start, 85))), (None, Some(Due::Silent)));
        deadlines.answered(&settings, after(start, 30));
        assert_eq!(deadlines.next_wake(None), Some(after(start, 55)));
    }

    #[test]
    fn a_client_has_to_enter_a_namespace_once() {
        let (settings, start) = (settings(), Instant::now());
        let mut deadlines = Deadlines::new(&settings, Transport::WebSocket, start);
        deadlines.asked(&settings, start);
        assert_eq!(deadlines.due(after(start, 45)), Some(Due::NotEntered));
        deadlines.entered();
        assert_eq!(deadlines.due(after(start, 45)), None);
    }

    #[test]
    fn a_client_without_a_socket_has_to_come_again_soon() {
        let (settings, start) = (settings(), Instant::now());
        let mut deadlines = Deadlines::new(&settings, Transport::Polling, start);
        assert_eq!(deadlines.next_wake(None), Some(after(start, 10)));
        assert_eq!((deadlines.due(after(start, 9)), deadlines.due(after(start, 10))), (None, Some(Due::NotEntered)));
        deadlines.came_again();
        assert_eq!((deadlines.due(after(start, 24)), deadlines.next_wake(None)), (None, Some(after(start, 25))));
        deadlines.asked(&settings, start);
        assert_eq!(deadlines.due(after(start, 45)), Some(Due::NotEntered), "it may stay out for ever");
    }

    #[test]
    fn a_part_has_its_time_from_its_beginning() {
        let (settings, start) = (settings(), Instant::now());
        let mut deadlines = Deadlines::new(&settings, Transport::WebSocket, start);
        deadlines.entered();
        let time = Duration::from_secs(10);
        deadlines.has_part(true, false, time, start);
        deadlines.has_part(true, false, time, after(start, 9));
        assert_eq!(deadlines.due(after(start, 10)), Some(Due::NotWhole), "another part gave it more time");
        deadlines.has_part(true, true, time, after(start, 9));
        assert_eq!(deadlines.due(after(start, 18)), None, "what follows a whole one has no time of its own");
        deadlines.has_part(false, false, time, after(start, 9));
        assert_eq!(deadlines.due(after(start, 24)), None);
    }

    #[test]
    fn what_is_kept_is_renewed_at_the_ping_nearest_to_its_time() {
        let (settings, start) = (settings(), Instant::now());
        let mut deadlines = Deadlines::new(&settings, Transport::WebSocket, start);
        let kept = [25, 50, 75, 100].map(|second| deadlines.keeps(&settings, after(start, second)));
        assert_eq!(kept, [false, true, false, true]);
    }
}
