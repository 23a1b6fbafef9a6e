//! Of a session without a socket: which requests of its client are under way.

use std::sync::Weak;

use realtime_fanout::session::Request;

use super::word::Heard;
use crate::websocket::Reader;

/// Which requests of a client are under way, and how far it is with another transport.
#[derive(Default)]
pub(super) struct Polling {
    /// The first request, until the session has its place.
    pub(super) first: Option<Request>,
    get: Weak<()>,
    post: Weak<()>,
    /// The websocket that the client tries.
    tried: Weak<()>,
    works: bool,
    /// What was read of the websocket that is about to be the session's.
    pub(super) taken: Option<(Vec<Heard>, Reader)>,
}

impl Polling {
    /// The first request waits for the session's id.
    pub(super) fn new(first: Request) -> Self {
        Self { first: Some(first), ..Self::default() }
    }

    /// A GET waits from now on. False when another one does.
    pub(super) fn begin_get(&mut self, presence: Weak<()>) -> bool {
        begin(&mut self.get, presence)
    }

    /// A body comes from now on. False when another one does.
    pub(super) fn begin_post(&mut self, presence: Weak<()>) -> bool {
        begin(&mut self.post, presence)
    }

    /// A websocket is tried from now on. False when another one is.
    pub(super) fn begin_trial(&mut self, presence: Weak<()>) -> bool {
        let begins = begin(&mut self.tried, presence);
        if begins {
            self.works = false;
        }
        begins
    }

    /// The websocket works.
    pub(super) fn works(&mut self) {
        self.works = self.is_tried();
    }

    /// Whether a websocket is tried now.
    pub(super) fn is_tried(&self) -> bool {
        self.tried.strong_count() > 0
    }

    /// Whether no GET shall wait: the client is about to change to its websocket.
    pub(super) fn hastens(&self) -> bool {
        self.works && self.is_tried()
    }

    /// Whether a GET waits.
    pub(super) fn is_asked(&self) -> bool {
        self.get.strong_count() > 0
    }
}

fn begin(place: &mut Weak<()>, presence: Weak<()>) -> bool {
    let is_free = place.strong_count() == 0;
    if is_free {
        *place = presence;
    }
    is_free
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn one_request_of_a_kind_is_under_way_at_a_time() {
        let mut polling = Polling::default();
        let (first, second) = (Arc::new(()), Arc::new(()));
        assert!(polling.begin_get(Arc::downgrade(&first)));
        assert!(polling.begin_post(Arc::downgrade(&second)), "a POST waits for a GET");
        assert!(!polling.begin_get(Arc::downgrade(&second)));
        assert!(polling.is_asked());
        drop(first);
        assert!(!polling.is_asked());
        assert!(polling.begin_get(Arc::downgrade(&second)));
    }

    #[test]
    fn requests_are_hastened_while_a_websocket_works() {
        let mut polling = Polling::default();
        polling.works();
        assert!(!polling.hastens(), "no websocket is tried");
        let websocket = Arc::new(());
        assert!(polling.begin_trial(Arc::downgrade(&websocket)));
        assert!(!polling.hastens());
        polling.works();
        assert!(polling.hastens());
        drop(websocket);
        assert!(!polling.hastens());
        assert!(polling.begin_trial(Arc::downgrade(&Arc::new(()))));
        assert!(!polling.hastens(), "the trial before counts for the next one");
    }
}
