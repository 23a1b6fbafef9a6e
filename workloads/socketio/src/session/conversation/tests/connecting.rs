use super::*;

#[test]
fn the_first_packet_says_what_the_client_must_know() {
    let mut talk = Talk::new(Settings::default());
    talk.conversation.begin("the-id", &mut talk.notes);
    let [Act::Say(open)] = &*talk.acts() else { panic!("not one packet") };
    let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    let expected = json!({
        "sid": "the-id", "upgrades": ["websocket"], "pingInterval": 25_000, "pingTimeout": 60_000, "maxPayload": 131_072
    });
    assert_eq!(open, expected);
    assert_eq!(talk.notes.wakes.len(), 1, "nobody wakes it for its first ping");
}

#[test]
fn a_websocket_is_told_of_no_upgrade() {
    let mut talk = Talk::over(Transport::WebSocket, Settings::default());
    talk.conversation.begin("the-id", &mut talk.notes);
    let [Act::Bytes(open)] = &*talk.acts() else { panic!("not one frame") };
    assert!(String::from_utf8_lossy(open).contains(r#""upgrades":[]"#));
}

#[test]
fn a_client_enters_a_namespace_and_is_greeted() {
    let mut talk = Talk::new(Settings::default());
    assert_eq!(talk.enters("40"), [say(r#"40{"sid":"id-of-/"}"#), say(r#"42["connected",1]"#)]);
    assert_eq!(
        talk.enters(r#"40/demo,{"a":1}"#),
        [say(r#"40/demo,{"sid":"id-of-/demo"}"#), say(r#"42/demo,["connected",1]"#)]
    );
    assert_eq!(talk.shared.counters.statistics().sockets[1], ("/demo".to_owned(), [1, 0]));
}

#[test]
fn with_recovery_each_event_has_a_cursor() {
    let mut talk = Talk::new(Settings::default());
    assert_eq!(
        talk.enters(r#"40{"feed":true}"#),
        [
            say(r#"40{"sid":"id-of-/","pid":"secret"}"#),
            say(r#"42["connected",1,"now-7"]"#),
            Act::Subscribe(vec![r#"42["missed",1,"old-1"]"#.to_owned()]),
        ]
    );
    assert_eq!(talk.says(r#"42["a",2]"#), [say(r#"42["a",2,"now-7"]"#)]);
    assert_eq!(talk.says(r#"421["a",2]"#), [say("431[2]")], "an acknowledgement has a cursor");
    assert_eq!(talk.says(r#"42["select"]"#), [Act::Select]);
    assert_eq!(talk.says(r#"42["unsubscribe"]"#), [Act::Unsubscribe]);
    assert_eq!(talk.says("41"), [Act::Unsubscribe]);
}

#[test]
fn what_was_missed_is_rendered_before_the_shard_sees_it() {
    let mut talk = Talk::new(Settings::default());
    talk.says(r#"40{"feed":true}"#);
    let answer = talk.notes.questions.remove(0).answer.now_or_never().unwrap();
    let Answer::Entry(entry) = answer else { panic!("it asked for something else") };
    let admitted = entry.unwrap_or_else(|_| panic!("it is not let in"));
    let (admission, missed) = admitted.into_parts(Transport::Polling);
    assert!(admission.history.is_empty(), "the shard has to render it");
    assert_eq!(missed, [r#"42["missed",1,"old-1"]"#]);
}

#[test]
fn what_was_missed_has_the_form_of_the_transport_that_there_is() {
    let frame = "\u{fffd}\u{16}42[\"missed\",1,\"old-1\"]".to_owned();
    let mut talk = Talk::over(Transport::WebSocket, Settings::default());
    assert_eq!(talk.enters(r#"40{"feed":true}"#).last(), Some(&Act::Subscribe(vec![frame.clone()])));
    let mut talk = Talk::new(Settings::default());
    talk.says(r#"40{"feed":true}"#);
    talk.conversation.moved();
    assert_eq!(talk.answers().last(), Some(&Act::Subscribe(vec![frame])));
}

#[test]
fn what_was_missed_without_a_cursor_gets_that_of_the_connection() {
    let mut talk = Talk::new(Settings::default());
    let acts = talk.enters(r#"40{"feed":true,"place":false}"#);
    assert_eq!(acts.last(), Some(&Act::Subscribe(vec![r#"42["missed",1,"now-7"]"#.to_owned()])));
}

#[test]
fn a_namespace_without_the_feed_does_not_touch_it() {
    let mut talk = Talk::entered();
    assert_eq!(talk.says(r#"42["select"]"#), []);
    assert_eq!(talk.says(r#"42["unsubscribe"]"#), []);
    assert_eq!(talk.says("41"), []);
}

#[test]
fn a_namespace_is_told_when_a_client_is_in() {
    let mut talk = Talk::new(Settings::default());
    talk.enters(r#"40{"deny":"no"}"#);
    talk.says("40/demo");
    talk.says("41/demo");
    talk.answers();
    assert_eq!(*talk.entered.lock().unwrap(), [""; 0], "the client is not in");
    talk.enters("40");
    assert_eq!(*talk.entered.lock().unwrap(), ["id-of-/"]);
}

#[test]
fn a_client_may_be_sent_away_as_soon_as_it_is_in() {
    let mut talk = Talk::new(Settings::default());
    let acts = talk.enters(r#"40{"stay":false}"#);
    assert_eq!(acts, [say(r#"40{"sid":"id-of-/"}"#), say(r#"42["connected",1]"#), say("41")]);
    assert_eq!(talk.departed(), [("id-of-/".to_owned(), Departure::Server)]);
}

#[test]
fn a_refused_client_is_told_why_and_may_try_again() {
    let mut talk = Talk::new(Settings::default());
    assert_eq!(talk.enters(r#"40{"deny":"no \"room\""}"#), [say(r#"44{"message":"no \"room\""}"#)]);
    assert_eq!(talk.enters("40").len(), 2);
    assert_eq!(talk.shared.counters.statistics().refusals[Refusal::Refused as usize], 1);
}

#[test]
fn an_unknown_namespace_is_refused_and_the_connection_stays() {
    let mut talk = Talk::new(Settings::default());
    assert_eq!(talk.says("40/random"), [say(r#"44/random,{"message":"Invalid namespace"}"#)]);
    assert_eq!(talk.enters("40").len(), 2);
}

#[test]
fn who_cannot_be_served_now_loses_the_connection() {
    let mut talk = Talk::new(Settings::default());
    assert_eq!(talk.enters(r#"40{"deny":"away"}"#), [Act::Close(CloseReason::Unavailable)]);
    assert_eq!(talk.shared.counters.statistics().refusals[Refusal::Away as usize], 1);
}

#[test]
fn entering_twice_breaks_the_rules() {
    let mut talk = Talk::entered();
    assert_eq!(talk.says("40"), closed());
    let mut talk = Talk::new(Settings::default());
    assert_eq!(talk.says("40"), []);
    assert_eq!(talk.says("40"), closed(), "the first answer is not there yet");
    assert_eq!(talk.violations(Violation::Order), 1);
}

#[test]
fn who_leaves_before_the_answer_is_not_let_in() {
    let mut talk = Talk::new(Settings::default());
    assert_eq!(talk.says("40"), []);
    assert_eq!(talk.says("41"), []);
    let question = &mut talk.notes.questions[0];
    assert!(question.forgotten.try_recv().is_err_and(|error| error != oneshot::error::TryRecvError::Empty));
    assert_eq!(talk.says("40"), [], "the client comes anew");
    assert_eq!(talk.answers(), [], "the answer to the first question counts");
    assert_eq!(talk.answers().len(), 2);
}

#[test]
fn nothing_comes_before_the_namespace_is_entered() {
    for text in [r#"42["a"]"#, "41", "431[]", r#"42/demo,["a"]"#, "41/demo", r#"44{"message":"no"}"#] {
        let mut talk = Talk::new(Settings::default());
        assert_eq!(talk.says(text), closed(), "{text}");
    }
}

#[test]
fn who_enters_no_namespace_in_time_loses_the_connection() {
    let settings = Settings { ping_interval: Duration::from_secs(100), ..Settings::default() };
    let mut talk = Talk::new(settings);
    talk.conversation.begin("id", &mut talk.notes);
    assert_eq!(*talk.notes.wakes, [talk.notes.now + Duration::from_secs(45)]);
    talk.acts();
    assert_eq!(talk.wakes_after(44), []);
    assert_eq!(talk.wakes_after(1), closed());
    assert_eq!(talk.violations(Violation::NotEntered), 1);
}

#[test]
fn who_has_left_all_namespaces_may_stay() {
    let mut talk = Talk::entered();
    assert_eq!(talk.says("41"), []);
    assert_eq!(talk.departed(), [("id-of-/".to_owned(), Departure::Client)]);
    assert_eq!(talk.wakes_after(45), [say("2")]);
    assert_eq!(talk.enters("40").len(), 2);
}
