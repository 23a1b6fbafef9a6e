use super::*;

#[test]
fn events_and_acknowledgements_go_to_their_namespace() {
    let mut talk = Talk::entered();
    talk.enters("40/demo");
    assert_eq!(talk.says(r#"42["back",1,{"a":[true]}]"#), [say(r#"42["back",1,{"a":[true]}]"#)]);
    assert_eq!(talk.says(r#"42/demo,["back"]"#), [say(r#"42/demo,["back"]"#)]);
    assert_eq!(talk.says(r#"42/demo,456["x",1]"#), [say("43/demo,456[1]")]);
}

#[test]
fn attachments_belong_to_their_event() {
    let mut talk = Talk::entered();
    assert_eq!(talk.says(r#"451-["back",{"_placeholder":true,"num":0}]"#), []);
    talk.conversation.binary(Bytes::from_static(&[1, 2, 3, 4]), &mut talk.notes);
    assert_eq!(talk.acts(), [say("451-[\"back\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==")]);
}

#[test]
fn the_application_keeps_a_state_for_each_socket() {
    let mut talk = Talk::entered();
    talk.enters("40/demo");
    talk.says(r#"42["count"]"#);
    assert_eq!(talk.says(r#"42["count"]"#), [say(r#"42["count",2]"#)]);
    assert_eq!(talk.says(r#"42/demo,["count"]"#), [say(r#"42/demo,["count",1]"#)]);
}

#[test]
fn an_acknowledgement_that_nobody_waits_for_is_dropped() {
    let mut talk = Talk::entered();
    assert_eq!(talk.says("437[1]"), []);
}

#[test]
fn an_application_sends_a_client_out_of_its_namespace() {
    let mut talk = Talk::entered();
    talk.enters("40/demo");
    assert_eq!(talk.says(r#"42/demo,["leave"]"#), [say("41/demo,")]);
    assert_eq!(talk.departed(), [("id-of-/demo".to_owned(), Departure::Server)]);
    assert_eq!(talk.says(r#"42["a"]"#), [say(r#"42["a"]"#)]);
}

#[test]
fn an_application_closes_a_connection() {
    let mut talk = Talk::entered();
    assert_eq!(talk.says(r#"42["close"]"#), [Act::Close(CloseReason::Aged)]);
    assert_eq!(talk.says(r#"42["a"]"#), [], "something is taken behind the end");
}

#[test]
fn a_broadcast_reaches_those_in_the_namespace() {
    let mut talk = Talk::entered();
    let arguments = Arguments::new().with("x");
    let broadcast = |talk: &Talk, name| {
        let number = talk.shared.find(name).unwrap();
        Broadcast::new(number, "news", &arguments, &talk.shared)
    };
    let demo = broadcast(&talk, "/demo");
    talk.conversation.announced(&demo, &mut talk.notes);
    assert_eq!(talk.acts(), []);
    talk.enters("40/demo");
    talk.conversation.announced(&demo, &mut talk.notes);
    assert_eq!(talk.acts(), [say(r#"42/demo,["news","x"]"#)]);
}

#[test]
fn a_broadcast_has_the_cursor_of_each_client_where_there_is_recovery() {
    let mut talk = Talk::new(Settings::default());
    talk.enters(r#"40{"feed":true}"#);
    let broadcast = Broadcast::new(0, "news", &Arguments::new().with("x"), &talk.shared);
    talk.conversation.announced(&broadcast, &mut talk.notes);
    assert_eq!(talk.acts(), [say(r#"42["news","x","now-7"]"#)]);
}

#[test]
fn what_is_kept_elsewhere_is_renewed_about_every_50_seconds() {
    let mut talk = Talk::entered();
    assert_eq!(talk.wakes_after(25), [say("2")]);
    talk.says("3");
    assert_eq!(talk.wakes_after(25), [say("2"), say(r#"42["kept"]"#)]);
    talk.says("3");
    assert_eq!(talk.wakes_after(25), [say("2")]);
}

#[test]
fn what_a_namespace_began_for_a_client_is_told_to_it_when_it_is_done() {
    let mut talk = Talk::entered();
    assert_eq!(talk.says(r#"42["begin",7]"#), []);
    assert_eq!(talk.says(r#"42["begin",8]"#), []);
    assert_eq!(talk.enters("40/demo"), [say(r#"42["done",7]"#)], "the first question is the first errand");
    assert_eq!(talk.answers(), [say(r#"42["done",8]"#)]);
    assert_eq!(talk.answers().len(), 2, "the client is in the other namespace");
}

#[test]
fn what_was_begun_for_a_client_that_has_left_is_dropped() {
    let mut talk = Talk::entered();
    talk.says(r#"42["begin",7]"#);
    talk.says("41");
    let question = &mut talk.notes.questions[0];
    assert!(question.forgotten.try_recv().is_err_and(|error| error != oneshot::error::TryRecvError::Empty));
    talk.says("40");
    assert_eq!(talk.answers(), [], "it is told to the client that came anew");
    assert_eq!(talk.answers().len(), 2);
}
