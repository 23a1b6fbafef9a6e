use super::*;

/// What it costs to enter a namespace.
const ENTERING: u32 = 26;

#[test]
fn more_packets_than_a_client_may_send_end_the_connection() {
    let mut talk = Talk::new(Settings { packets_per_second: 10, burst: ENTERING + 2, ..Settings::default() });
    talk.enters("40");
    assert_eq!(talk.says("3"), []);
    assert_eq!(talk.says("3"), []);
    assert_eq!(talk.says("3"), closed());
    assert_eq!(talk.violations(Violation::Rate), 1);
}

#[test]
fn attachments_count_as_packets() {
    let mut talk = Talk::new(Settings { packets_per_second: 10, burst: ENTERING + 1, ..Settings::default() });
    talk.enters("40");
    talk.says(r#"451-["a",{"_placeholder":true,"num":0}]"#);
    talk.conversation.binary(Bytes::from_static(b"x"), &mut talk.notes);
    assert_eq!(talk.acts(), closed());
}

#[test]
fn long_messages_cost_more() {
    let mut talk = Talk::new(Settings { packets_per_second: 10, burst: ENTERING + 5, ..Settings::default() });
    talk.enters("40");
    let long = "1".repeat(4096 * 3);
    assert_eq!(talk.says(&format!("431[{long}]")), []);
    talk.conversation.binary(vec![0; 4096].into(), &mut talk.notes);
    assert_eq!(talk.acts(), closed());
    assert_eq!(talk.violations(Violation::Rate), 1);
}

#[test]
fn entering_costs_more_than_other_packets() {
    let mut talk = Talk::new(Settings { packets_per_second: 10, burst: 2 * ENTERING, ..Settings::default() });
    talk.enters("40");
    assert_eq!(talk.enters("40/demo").len(), 2);
    assert_eq!(talk.says("3"), closed());
    let mut talk = Talk::new(Settings { packets_per_second: 10, burst: ENTERING, ..Settings::default() });
    assert_eq!(talk.says("40/unknown").len(), 1, "who asks for what is not there costs nobody anything");
    assert_eq!(talk.says("40"), closed());
    assert!(talk.notes.questions.is_empty(), "the namespace is asked all the same");
}

#[test]
fn more_attachments_than_an_event_may_have_end_the_connection() {
    let mut talk = Talk::new(Settings { attachments: 1, ..Settings::default() });
    talk.enters("40");
    let text = r#"452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert_eq!(talk.says(text), closed());
    assert_eq!(talk.violations(Violation::Size), 1);
}

#[test]
fn attachments_that_are_too_long_together_end_the_connection() {
    let mut talk = Talk::new(Settings { payload_bytes: 5, ..Settings::default() });
    talk.enters("40");
    talk.says(r#"452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    talk.conversation.binary(Bytes::from_static(b"abc"), &mut talk.notes);
    assert_eq!(talk.acts(), []);
    talk.conversation.binary(Bytes::from_static(b"def"), &mut talk.notes);
    assert_eq!(talk.acts(), closed());
    assert_eq!(talk.violations(Violation::Size), 1);
}

#[test]
fn a_client_is_in_so_many_namespaces_at_a_time() {
    let mut talk = Talk::new(Settings { namespaces: 2, ..Settings::default() });
    talk.enters("40");
    assert_eq!(talk.says("40/demo"), []);
    assert_eq!(talk.says("40/third"), [say(r#"44/third,{"message":"Too many namespaces"}"#)]);
    talk.answers();
    talk.says("41");
    assert_eq!(talk.enters("40/third").len(), 2);
}

#[test]
fn an_event_whose_attachments_do_not_come_ends_the_connection() {
    let mut talk = Talk::new(Settings { ping_timeout: Duration::from_secs(20), ..Settings::default() });
    talk.enters("40");
    talk.says(r#"451-["a",{"_placeholder":true,"num":0}]"#);
    assert_eq!(talk.notes.wakes.last(), Some(&(talk.notes.now + Duration::from_secs(20))));
    assert_eq!(talk.wakes_after(19), []);
    assert_eq!(talk.says("3"), [], "a sign of life is no attachment");
    assert_eq!(talk.wakes_after(1), closed());
    assert_eq!(talk.violations(Violation::NotWhole), 1);
}

#[test]
fn a_message_that_does_not_become_whole_ends_the_connection() {
    let mut talk = Talk::new(Settings { ping_timeout: Duration::from_secs(20), ..Settings::default() });
    talk.enters("40");
    talk.conversation.settle(true, &mut talk.notes);
    assert_eq!(talk.wakes_after(19), []);
    talk.conversation.settle(true, &mut talk.notes);
    assert_eq!(talk.wakes_after(1), closed());
}

/// What every one of many idle connections costs beside its place in the shard.
#[test]
fn an_idle_connection_in_one_namespace_is_small() {
    let whole = size_of::<crate::session::Session>() + size_of::<Joined>() + 20;
    assert!(whole <= 400, "{whole} bytes, {} of them the session", size_of::<crate::session::Session>());
    let talk = Talk::entered();
    assert_eq!((talk.conversation.joined.capacity(), talk.conversation.asked.capacity()), (1, 0));
}
