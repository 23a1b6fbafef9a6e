//! The checker itself: it finds what it is there to find. These need no cluster.

use std::time::{Duration, Instant};

use realtime_e2e::ledger::Fault;
use realtime_e2e::postings::{self, Outcome, Posting, Postings};

use super::Wish;

/// Even numbers were posted to one channel, odd ones to another; 4 has an unknown outcome and is stored, 5 one and is not, 6 was refused.
fn postings() -> Postings {
    let (begin, mut postings) = (Instant::now(), Postings::default());
    for number in 0..9_u32 {
        let outcome = match number {
            4 | 5 => Outcome::Unknown("connection closed".to_owned()),
            6 => Outcome::Refused(503),
            _ => Outcome::Accepted,
        };
        let begin = begin + Duration::from_secs(u64::from(number));
        let end = begin + Duration::from_millis(500);
        postings.note(number, Posting { channel: postings::channel(number % 2), begin, end, outcome });
    }
    postings.settle("run1", "run1-0\nrun1-1\nrun1-2\nrun1-3\nrun1-4\nrun1-7\nrun1-8\n");
    postings
}

fn faults(received: &[u32]) -> Vec<Fault> {
    postings().faults(|_| true, received)
}

#[test]
fn channels_may_come_in_any_order_and_each_in_its_own() {
    for received in [[0, 1, 2, 3, 4, 7, 8], [1, 3, 7, 0, 2, 4, 8], [0, 2, 4, 1, 8, 3, 7]] {
        assert_eq!(faults(&received), [], "{received:?}");
    }
}

#[test]
fn one_of_unknown_outcome_may_come_behind_later_ones_but_what_was_accepted_before_it_may_not_come_behind_it() {
    assert_eq!(faults(&[0, 1, 2, 3, 7, 8, 4]), []);
    assert_eq!(faults(&[0, 1, 4, 2, 3, 7, 8]), [Fault::Late(2)]);
}

#[test]
fn a_lost_a_doubled_a_swapped_and_an_unwanted_notification_are_found() {
    assert_eq!(faults(&[0, 1, 2, 3, 4, 8]), [Fault::Lost(7)]);
    assert_eq!(faults(&[0, 1, 2, 3, 7, 8]), [Fault::Lost(4)], "what is stored must come, whatever the answer was");
    assert_eq!(faults(&[0, 1, 2, 3, 4, 7, 8, 4]), [Fault::Doubled(4)]);
    assert_eq!(faults(&[2, 0, 1, 3, 4, 7, 8]), [Fault::Late(0)]);
    assert_eq!(faults(&[0, 1, 2, 3, 4, 5, 7, 8]), [Fault::Unwanted(5)]);
    assert_eq!(faults(&[0, 1, 2, 3, 4, 6, 7, 8]), [Fault::Unwanted(6)]);
    assert_eq!(faults(&[]).len(), 7);
}

#[test]
fn a_client_of_some_channels_gets_those_and_no_others() {
    let even = |channel: &str| channel == postings::channel(0);
    assert_eq!(postings().faults(even, &[0, 2, 4, 8]), []);
    assert_eq!(postings().faults(even, &[0, 2, 4, 7, 8]), [Fault::Unwanted(7)]);
    assert_eq!(postings().count(even), 4);
}

#[test]
#[should_panic(expected = "8 was accepted and is not stored")]
fn what_was_accepted_must_be_stored() {
    postings().settle("run1", "run1-0\nrun1-1\nrun1-2\nrun1-3\nrun1-7");
}

#[test]
#[should_panic(expected = "is stored")]
fn what_was_refused_must_not_be_stored() {
    postings().settle("run1", "run1-0\nrun1-1\nrun1-2\nrun1-3\nrun1-6\nrun1-7\nrun1-8");
}

#[test]
fn half_of_the_clients_want_three_channels() {
    assert_eq!(Wish::of(0), Wish { channels: None });
    let wish = Wish::of(3);
    assert_eq!(wish.query(), "?channels=ward-1,ward-4,ward-7");
    assert_eq!((wish.wants("ward-4"), wish.wants("ward-5"), Wish::of(2).wants("ward-5")), (true, false, true));
}

#[test]
fn a_number_is_read_from_a_notification_of_the_run() {
    let number = postings::numbering("run1");
    assert_eq!(number(r#"{"id":"x","message":"run1-17","type":"info"}"#), Some(17));
    assert_eq!(number(r#"{"id":"x","message":"run2-17","type":"info"}"#), None);
    assert_eq!(number(r#"{"id":"x","message":"run1-","type":"info"}"#), None);
}
