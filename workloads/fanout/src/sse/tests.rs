use std::time::Duration;

use super::Frame;

fn text(frame: Frame) -> String {
    String::from_utf8(frame.encode().to_vec()).unwrap()
}

#[test]
fn writes_id_and_data() {
    assert_eq!(text(Frame::new().id("epoch-7").data(r#"{"a":1}"#)), "id: epoch-7\ndata: {\"a\":1}\n\n");
}

#[test]
fn writes_a_data_line_for_each_line_of_the_payload() {
    assert_eq!(
        text(Frame::new().data("one\ntwo\r\nthree\rfour\n")),
        "data: one\ndata: two\ndata: three\ndata: four\ndata: \n\n"
    );
}

#[test]
fn writes_an_empty_payload_as_one_empty_line() {
    assert_eq!(text(Frame::new().data("")), "data: \n\n");
}

#[test]
fn writes_event_comment_and_retry() {
    assert_eq!(text(Frame::new().event("gap").data("{}")), "event: gap\ndata: {}\n\n");
    assert_eq!(text(Frame::new().comment("heartbeat")), ": heartbeat\n\n");
    assert_eq!(text(Frame::new().retry(Duration::from_millis(1500))), "retry: 1500\n\n");
}

#[test]
fn lets_no_id_or_name_begin_another_line() {
    assert_eq!(text(Frame::new().id("a\ndata: forged")), "id: a\n\n");
    assert_eq!(text(Frame::new().event("a\rdata: forged")), "event: a\n\n");
    assert_eq!(text(Frame::new().id("a\0b")), "id: a\n\n");
}
