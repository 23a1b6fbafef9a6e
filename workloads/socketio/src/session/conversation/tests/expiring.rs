use super::*;

/// A client that is in the main namespace and answers its pings.
struct Stay {
    talk: Talk,
    begun: Instant,
}

impl Stay {
    fn new(packet: &str) -> Self {
        let mut talk = Talk::new(Settings { ping_interval: Duration::from_secs(1000), ..Settings::default() });
        let begun = talk.notes.now;
        talk.enters(packet);
        Self { talk, begun }
    }

    /// What happens at that second, to which the conversation has to have asked to be woken.
    fn at(&mut self, second: u64) -> Vec<Act> {
        self.talk.notes.now = self.begun + Duration::from_secs(second);
        assert_eq!(self.talk.notes.wakes.last(), Some(&self.talk.notes.now));
        self.talk.conversation.wake(&mut self.talk.notes);
        self.talk.acts()
    }
}

fn expired() -> Vec<Act> {
    vec![Act::Close(CloseReason::Expired)]
}

fn expiring() -> Vec<Act> {
    vec![say(r#"42["expiring"]"#)]
}

#[test]
fn a_client_is_told_before_its_time_is_over_and_loses_the_connection_then() {
    let mut stay = Stay::new(r#"40{"seconds":100}"#);
    assert_eq!(stay.at(70), expiring());
    assert_eq!(stay.at(100), expired());
    stay.talk.conversation.ended(CloseReason::Expired, stay.talk.notes.now);
    assert_eq!(stay.talk.departed(), [("id-of-/".to_owned(), Departure::Transport(CloseReason::Expired))]);
}

#[test]
fn a_client_whose_time_is_prolonged_stays_and_is_told_anew() {
    let mut stay = Stay::new(r#"40{"seconds":100}"#);
    assert_eq!(stay.at(70), expiring());
    stay.talk.says(r#"42["stay",200]"#);
    stay.talk.notes.now = stay.begun + Duration::from_secs(100);
    stay.talk.conversation.wake(&mut stay.talk.notes);
    assert_eq!(stay.talk.acts(), [], "its time was over before");
    assert_eq!(stay.at(170), expiring());
    stay.talk.says(r#"42["stay"]"#);
    assert_eq!(stay.at(1000)[0], say("2"), "nothing but the ping is left");
}

#[test]
fn a_client_without_an_end_stays() {
    let mut stay = Stay::new("40");
    assert_eq!(stay.at(1000)[0], say("2"));
}

#[test]
fn a_client_with_less_time_than_the_notice_is_told_at_once() {
    let mut stay = Stay::new(r#"40{"seconds":10}"#);
    let wake = *stay.talk.notes.wakes.last().unwrap();
    assert!(wake <= stay.begun, "it is woken too late");
    stay.talk.conversation.wake(&mut stay.talk.notes);
    assert_eq!(stay.talk.acts(), expiring());
    assert_eq!(stay.at(10), expired());
}

/// A namespace that is open to all does not prolong what another one gives.
#[test]
fn the_first_namespace_whose_time_is_over_ends_the_connection() {
    let mut stay = Stay::new("40/demo");
    stay.talk.enters(r#"40{"seconds":50}"#);
    assert_eq!(stay.at(20), expiring());
    assert_eq!(stay.at(50), expired());
}

#[test]
fn whoever_has_left_the_namespace_has_no_time_to_keep() {
    let mut stay = Stay::new("40/demo");
    stay.talk.enters(r#"40{"seconds":50}"#);
    stay.talk.says("41");
    stay.talk.notes.now = stay.begun + Duration::from_secs(50);
    stay.talk.conversation.wake(&mut stay.talk.notes);
    assert_eq!(stay.talk.acts(), []);
}
