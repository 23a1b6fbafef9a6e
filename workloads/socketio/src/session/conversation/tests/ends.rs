use super::*;

#[test]
fn a_client_that_does_not_answer_a_ping_loses_the_connection() {
    let mut talk = Talk::entered();
    assert_eq!(talk.wakes_after(24), []);
    assert_eq!(talk.wakes_after(1), [say("2")]);
    assert_eq!(talk.wakes_after(59), []);
    assert_eq!(talk.wakes_after(1), closed());
}

#[test]
fn a_client_that_answers_is_asked_again() {
    let mut talk = Talk::entered();
    for _ in 0..3 {
        assert_eq!(talk.wakes_after(25)[0], say("2"));
        assert_eq!(talk.says("3"), []);
    }
    assert!(!talk.conversation.is_ending());
}

#[test]
fn a_silent_client_is_noticed_before_the_shard_wakes_the_connection() {
    let mut talk = Talk::entered();
    talk.wakes_after(25);
    talk.notes.now += Duration::from_secs(60);
    talk.conversation.check(&mut talk.notes);
    assert_eq!(talk.acts(), closed());
}

#[test]
fn a_client_says_that_it_leaves() {
    let mut talk = Talk::entered();
    assert_eq!(talk.says("1"), closed());
    assert_eq!(talk.conversation.farewell(CloseReason::Gone), "6");
    talk.conversation.ended(CloseReason::Gone, talk.notes.now);
    assert_eq!(talk.departed(), [("id-of-/".to_owned(), Departure::Transport(CloseReason::Gone))]);
    assert_eq!(talk.shared.counters.statistics().sockets[0], ("/".to_owned(), [0, 0]));
}

#[test]
fn what_is_no_packet_ends_the_connection() {
    for text in ["", "abc", "7", "4", "4abc", "42{}", r#"42abc["a",1]"#, "2", "2probe", "45[]"] {
        let mut talk = Talk::entered();
        assert_eq!(talk.says(text), closed(), "{text}");
        assert_eq!(talk.violations(Violation::Packet) + talk.violations(Violation::Order), 1, "{text}");
    }
    let mut talk = Talk::entered();
    talk.conversation.binary(Bytes::from_static(b"x"), &mut talk.notes);
    assert_eq!(talk.acts(), closed());
}

#[test]
fn packets_that_say_nothing_here_are_passed_over() {
    let mut talk = Talk::entered();
    for text in ["0{}", "5", "6"] {
        assert_eq!(talk.says(text), [], "{text}");
    }
}

#[test]
fn a_farewell_says_why() {
    let farewell = |talk: &Talk, reason| talk.conversation.farewell(reason).to_vec();
    let polling = Talk::entered();
    assert_eq!(farewell(&polling, CloseReason::Draining), b"1");
    let websocket = || Talk::over(Transport::WebSocket, Settings::default());
    assert_eq!(farewell(&websocket(), CloseReason::Draining), b"\x88\x0a\x03\xe9draining");
    assert_eq!(farewell(&websocket(), CloseReason::Limited), b"\x88\x09\x03\xf5limited");
    let mut talk = websocket();
    talk.conversation.violate(Violation::Rate, &mut talk.notes);
    assert_eq!(farewell(&talk, CloseReason::Gone), b"\x88\x06\x03\xf0rate");
    let mut talk = websocket();
    talk.conversation.misheard(crate::websocket::Error::ReadText, &mut talk.notes);
    assert_eq!(farewell(&talk, CloseReason::Gone), b"\x88\x07\x03\xefframe");
    for (code, echoed) in [(Some(4000), 4000_u16), (Some(1005), 1000), (None, 1000)] {
        let mut talk = websocket();
        talk.conversation.end(Ending::Client(code), &mut talk.notes);
        assert_eq!(farewell(&talk, CloseReason::Gone)[2..], echoed.to_be_bytes());
    }
}

#[test]
fn who_changes_the_transport_is_counted_there() {
    let mut talk = Talk::entered();
    talk.conversation.moved();
    assert_eq!(talk.shared.counters.statistics().sockets[0], ("/".to_owned(), [0, 1]));
    let [Act::Bytes(frame)] = &*talk.says(r#"42["a"]"#) else { panic!("no frame") };
    assert_eq!(&frame[..], b"\x81\x0742[\"a\"]");
}

#[test]
fn nothing_is_taken_behind_the_end() {
    let mut talk = Talk::entered();
    talk.says("1");
    assert_eq!(talk.says(r#"42["a"]"#), []);
    assert_eq!(talk.wakes_after(25), []);
    let broadcast = Broadcast::new(0, "news", &Arguments::new(), &talk.shared);
    talk.conversation.announced(&broadcast, &mut talk.notes);
    assert_eq!(talk.acts(), []);
}
