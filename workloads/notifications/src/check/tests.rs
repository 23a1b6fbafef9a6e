use super::*;

const SCHEMAS: &str = r##"[
    {"type": "OrderPlaced", "schema": {
        "type": "object", "required": ["id", "total"],
        "properties": {"total": {"type": "number", "minimum": 0}, "code": {"pattern": "^[a-z]+$"}, "next": {"$ref": "#"}}
    }},
    {"type": "Anything", "schema": true}
]"##;

fn checker() -> Checker {
    Checker::new(SCHEMAS).unwrap()
}

fn judge(value: &str) -> Result<String, &'static str> {
    match checker().judge(&mut Window::new(10), 0, Some(value.as_bytes())) {
        Verdict::Broadcast(event) => Ok(event.kind.into_owned()),
        Verdict::Duplicate => Err("duplicate"),
        Verdict::Invalid(invalid) => Err(invalid.reason()),
    }
}

fn refused(list: &str) -> String {
    let error = Checker::new(list).unwrap_err();
    match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[test]
fn takes_product_events_and_types_with_a_schema() {
    for (kind, value) in [
        ("ProductUpdated", r#"{"id":"a","type":"ProductUpdated","timestamp":"t","product":{"id":"p"}}"#),
        ("OrderPlaced", r#" {"total": 1.5, "type": "OrderPlaced", "id": "a", "code": "abc"} "#),
        ("Anything", r#"{"id":"\u00e4\u0000","type":"Anyth\u0069ng"}"#),
    ] {
        assert_eq!(judge(value), Ok(kind.to_owned()), "{value}");
    }
}

#[test]
fn keeps_the_records_text() {
    let (checker, text) = (checker(), "{\"z\": 1.50,\n \"id\":\"a\",\"type\":\"Anything\"}\n");
    let verdict = checker.judge(&mut Window::new(10), 0, Some(text.as_bytes()));
    let Verdict::Broadcast(event) = verdict else { panic!("{verdict:?}") };
    assert_eq!(event, Event { kind: "Anything".into(), text });
}

#[test]
fn tells_why_a_record_is_no_event() {
    let (long, longest) = ("x".repeat(257), "x".repeat(256));
    for (reason, value) in [
        ("event", ""),
        ("event", "no json"),
        ("event", r#"["a","Anything"]"#),
        ("event", r#"{"id":"a"}"#),
        ("event", r#"{"id":1,"type":"Anything"}"#),
        ("event", r#"{"id":"a","id":"b","type":"Anything"}"#),
        ("event", r#"{"id":"a","type":"Anything"} x"#),
        ("event", r#"{"id":"\ud800","type":"Anything"}"#),
        ("event", r#"{"id":"a","type":"Anything","huge":1e999}"#),
        ("event", &format!(r#"{{"id":"a","type":"Anything","deep":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000))),
        ("id", r#"{"id":"","type":"Anything"}"#),
        ("id", &format!(r#"{{"id":"{long}","type":"Anything"}}"#)),
        ("type", r#"{"id":"a","type":"Unknown"}"#),
        ("type", r#"{"id":"a","type":""}"#),
        ("schema", r#"{"id":"a","type":"ProductUpdated"}"#),
        ("schema", r#"{"id":"a","type":"OrderPlaced"}"#),
        ("schema", r#"{"id":"a","type":"OrderPlaced","total":-1}"#),
        ("schema", r#"{"id":"a","type":"OrderPlaced","total":1,"code":"A"}"#),
        ("schema", r#"{"id":"a","type":"OrderPlaced","total":1,"next":{"id":"b","total":1,"next":{}}}"#),
    ] {
        assert_eq!(judge(value), Err(reason), "{value:.100}");
        assert!(Invalid::REASONS.contains(&reason));
    }
    assert!(judge(&format!(r#"{{"id":"{longest}","type":"Anything"}}"#)).is_ok());
}

#[test]
fn a_record_without_a_value_or_without_text_is_no_event() {
    let mut window = Window::new(10);
    for (reason, value) in [("empty", None), ("text", Some(&b"{\"id\":\"\xff\"}"[..]))] {
        let Verdict::Invalid(invalid) = checker().judge(&mut window, 0, value) else { panic!("{value:?}") };
        assert_eq!(invalid.reason(), reason);
    }
}

#[test]
fn an_event_comes_once_and_what_is_no_event_is_not_remembered() {
    let (checker, mut window) = (checker(), Window::new(10));
    let mut judge = |offset, value: &'static str| checker.judge(&mut window, offset, Some(value.as_bytes()));
    let good = r#"{"id":"a","type":"Anything"}"#;
    assert!(matches!(judge(0, r#"{"id":"a","type":"Unknown"}"#), Verdict::Invalid(_)));
    assert!(matches!(judge(1, good), Verdict::Broadcast(_)));
    assert!(matches!(judge(2, good), Verdict::Duplicate));
}

#[test]
fn random_changes_of_a_record_never_panic() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (checker, mut window) = (checker(), Window::new(10));
    let record = r#"{"id":"a\u00e4","type":"OrderPlaced","total":1e3,"next":{"id":"b","total":-0.0}}"#.as_bytes();
    let mut valid = 0;
    for offset in 0..20_000 {
        let mut value = record.to_vec();
        let place = random.usize(0..value.len());
        match random.u8(0..3) {
            0 => value[place] = random.u8(..),
            1 => value.truncate(place),
            _ => drop(value.drain(place..random.usize(place..record.len()))),
        }
        valid += usize::from(!matches!(checker.judge(&mut window, offset, Some(&value)), Verdict::Invalid(_)));
    }
    assert!((1..20_000).contains(&valid), "seed {seed}: {valid}");
}

#[test]
fn a_broken_schema_is_named_with_its_place() {
    for (list, words) in [
        ("{}", "failed to read the schemas as a list"),
        (r#"[{"type":"A"}]"#, "missing field `schema`"),
        (r#"[{"type":"","schema":{}}]"#, "1 to 256 bytes"),
        (r#"[{"type":"A","schema":{}},{"type":"A","schema":{}}]"#, "twice"),
        (r#"[{"type":"LowStockWarning","schema":{}}]"#, "form of their own"),
        (r#"[{"type":"A","schema":{"properties":{"b":{"type":"text"}}}}]"#, "of type A, at \"/properties/b/type\""),
        (r#"[{"type":"A","schema":{"pattern":"(?=a)"}}]"#, "of type A, at \"/pattern\""),
        (r#"[{"type":"A","schema":{"$ref":"http://127.0.0.1:9/schema"}}]"#, "of type A"),
    ] {
        let message = refused(list);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn schemas_are_read_from_a_file_that_must_exist() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("no such file");
    let message = Checker::read(&path).unwrap_err().to_string();
    assert!(message.contains("no such file"), "{message}");
}

#[test]
fn the_channel_is_the_key_or_else_the_topic() {
    let long = "x".repeat(257);
    for (key, expected) in [
        (Some("orders-1".as_bytes()), "orders-1"),
        (Some(b""), "topic"),
        (Some(b"\xff"), "topic"),
        (Some(long.as_bytes()), "topic"),
        (None, "topic"),
    ] {
        assert_eq!(channel(key, "topic"), expected);
    }
}
