use super::*;

const LIMIT: usize = 70_000;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A message that outlives its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Part,
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

fn heard(message: Message<'_>) -> Heard {
    match message {
        Message::Text(text) => Heard::Text(text.to_owned()),
        Message::Binary(bytes) => Heard::Binary(bytes.to_vec()),
        Message::Part => Heard::Part,
        Message::Ping(bytes) => Heard::Ping(bytes.to_vec()),
        Message::Pong => Heard::Pong,
        Message::Close(code) => Heard::Close(code),
    }
}

/// A frame of a client, written by hand: what is read is not what wrote it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// What is heard of bytes that come in pieces of at most so many.
fn read(bytes: &[u8], piece: usize) -> (Vec<Heard>, Result<(), Error>, bool) {
    let mut reader = Reader::new();
    let mut all = Vec::new();
    for part in bytes.to_vec().chunks_mut(piece) {
        if let Err(error) = reader.read(part, LIMIT, &mut |message| all.push(heard(message))) {
            return (all, Err(error), reader.is_waiting());
        }
    }
    (all, Ok(()), reader.is_waiting())
}

fn assert_heard(bytes: &[u8], messages: &[Heard], end: Result<(), Error>) {
    for piece in [1, 2, 3, 7, 64, 1000, bytes.len()] {
        let (all, result, waiting) = read(bytes, piece);
        assert!(all == messages, "in pieces of {piece}: {} messages", all.len());
        assert_eq!(result, end, "in pieces of {piece}");
        assert!(!waiting, "in pieces of {piece}");
    }
}

#[test]
fn the_examples_of_the_standard_are_read_and_written() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_heard(&hello, &[Heard::Text("Hello".into())], Ok(()));
    let pong_frame = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_heard(&pong_frame, &[Heard::Pong], Ok(()));
    assert_eq!(&text(&[b"Hel", b"", b"lo"])[..], [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    assert_eq!(&pong(b"Hello")[..], [0x8a, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    assert_eq!(binary(&[0; 256])[..4], [0x82, 0x7e, 0x01, 0x00]);
    assert_eq!(binary(&[0; 65_536])[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn lengths_at_every_bound_are_written_as_short_as_they_can_be() {
    for (length, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        assert_eq!(binary(&vec![7; length]).len(), head + length, "{length} bytes");
        assert_eq!(text(&[&vec![b'a'; length]]).len(), head + length, "{length} bytes");
    }
}

#[test]
fn a_close_says_code_and_as_much_of_the_reason_as_fits() {
    assert_eq!(&close(1009, "long")[..], [0x88, 6, 0x03, 0xf1, b'l', b'o', b'n', b'g']);
    let long = close(1000, &"ü".repeat(100));
    assert_eq!(long.len(), 2 + 2 + 122);
    assert_eq!(std::str::from_utf8(&long[4..]).unwrap(), "ü".repeat(61));
    assert_eq!(pong(&[1; 200]).len(), 2 + 125);
}

#[test]
fn messages_of_every_length_are_read_however_they_are_split() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, LIMIT] {
        let payload: Vec<u8> = (0..length).map(|index| b'a' + u8::try_from(index % 26).unwrap()).collect();
        let bytes = [frame(0x81, &payload), frame(0x82, &payload)].concat();
        let messages = [Heard::Text(String::from_utf8(payload.clone()).unwrap()), Heard::Binary(payload)];
        for piece in [1, 5, 4096, bytes.len()] {
            assert!(read(&bytes, piece) == (messages.to_vec(), Ok(()), false), "{length} bytes in pieces of {piece}");
        }
    }
}

#[test]
fn control_frames_are_heard_between_the_frames_of_a_message() {
    let bytes = [
        frame(0x01, b"one "),
        frame(0x89, b"ping"),
        frame(0x00, b""),
        frame(0x8a, b""),
        frame(0x00, "zw\u{f6}".as_bytes()),
        frame(0x80, b"lf"),
        frame(0x02, b""),
        frame(0x80, &[0xff]),
        frame(0x89, &[9; 125]),
        frame(0x88, b""),
    ];
    let messages = [
        Heard::Part,
        Heard::Ping(b"ping".into()),
        Heard::Part,
        Heard::Pong,
        Heard::Part,
        Heard::Text("one zw\u{f6}lf".into()),
        Heard::Part,
        Heard::Binary(vec![0xff]),
        Heard::Ping(vec![9; 125]),
        Heard::Close(None),
    ];
    assert_heard(&bytes.concat(), &messages, Ok(()));
}

#[test]
fn a_character_may_be_split_between_frames_and_reads() {
    let sign = "€".as_bytes();
    let bytes = [frame(0x01, &sign[..1]), frame(0x00, &sign[1..2]), frame(0x80, &sign[2..])].concat();
    assert_heard(&bytes, &[Heard::Part, Heard::Part, Heard::Text("€".into())], Ok(()));
}

#[test]
fn what_breaks_the_rules_is_refused_with_its_code() {
    let unmasked = |mut bytes: Vec<u8>| {
        bytes[1] &= 0x7f;
        bytes
    };
    let close_with = |code: u16, reason: &[u8]| frame(0x88, &[&code.to_be_bytes(), reason].concat());
    let long_way = [&[0x81, 0x80 | 126, 0, 5][..], &MASK, b"Hello"].concat();
    let longest_way = [&[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff][..], &MASK].concat();
    let negative = [&[0x82, 0x80 | 127, 0xff, 0, 0, 0, 0, 0, 0, 1][..], &MASK].concat();
    let cases = [
        ("no mask", unmasked(frame(0x81, b"Hello")), 1002),
        ("a reserved bit", frame(0xc1, b"Hello"), 1002),
        ("another reserved bit", frame(0xa1, b"Hello"), 1002),
        ("the third reserved bit", frame(0x91, b"Hello"), 1002),
        ("reserved data", frame(0x83, b"Hello"), 1002),
        ("reserved control", frame(0x8b, b""), 1002),
        ("a continuation of nothing", frame(0x80, b"Hello"), 1002),
        ("a message within another", [frame(0x01, b""), frame(0x81, b"Hello")].concat(), 1002),
        ("a ping in pieces", frame(0x09, b""), 1002),
        ("a close in pieces", frame(0x08, b""), 1002),
        ("a long ping", frame(0x89, &[0; 126]), 1002),
        ("a length in two bytes for one", long_way, 1002),
        ("a length in eight bytes for two", longest_way, 1002),
        ("half a code", frame(0x88, &[3]), 1002),
        ("code 999", close_with(999, b""), 1002),
        ("code 1004", close_with(1004, b""), 1002),
        ("code 1005", close_with(1005, b""), 1002),
        ("code 1006", close_with(1006, b""), 1002),
        ("code 1015", close_with(1015, b""), 1002),
        ("code 1016", close_with(1016, b""), 1002),
        ("code 5000", close_with(5000, b""), 1002),
        ("a reason that is no text", close_with(1000, &[0xff]), 1007),
        ("a text that is none", frame(0x81, &[0xce, 0xba, 0xed, 0xa0, 0x80]), 1007),
        ("a text that ends within a character", [frame(0x01, &[0xe2, 0x82]), frame(0x80, b"")].concat(), 1007),
        ("a long message", frame(0x82, &[0; LIMIT + 1]), 1009),
        ("a long message in pieces", [frame(0x02, &[0; LIMIT]), frame(0x80, &[0])].concat(), 1009),
        ("a length of more than 63 bits", negative, 1009),
    ];
    for (name, bytes, code) in cases {
        for piece in [1, 3, 4096, bytes.len()] {
            let (all, result, waiting) = read(&bytes, piece);
            assert!(all.iter().all(|heard| *heard == Heard::Part), "{name}: {all:?}");
            assert_eq!(result.map_err(|error| error.close_code()), Err(code), "{name}, in pieces of {piece}");
            assert!(!waiting, "{name}");
        }
    }
}

#[test]
fn close_codes_that_a_client_may_send_are_told() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        let bytes = frame(0x88, &[&u16::to_be_bytes(code)[..], b"bye"].concat());
        assert_heard(&bytes, &[Heard::Close(Some(code))], Ok(()));
    }
}

#[test]
fn nothing_is_read_after_a_close_or_an_error() {
    assert_heard(&[frame(0x88, b""), frame(0x81, b"more")].concat(), &[Heard::Close(None)], Ok(()));
    let mut reader = Reader::new();
    let mut none = |message: Message<'_>| panic!("{message:?} was heard");
    assert!(reader.read(&mut frame(0x80, b""), LIMIT, &mut none).is_err());
    assert_eq!(reader.read(&mut frame(0x81, b"more"), LIMIT, &mut none), Ok(()));
}

#[test]
fn messages_before_an_error_are_heard() {
    let bytes = [frame(0x81, b"one"), frame(0x89, b""), frame(0x80, b"")].concat();
    let messages = [Heard::Text("one".into()), Heard::Ping(Vec::new())];
    assert_heard(&bytes, &messages, Err(Error::ReadFrame("it continues no message")));
}

#[test]
fn a_length_is_refused_before_its_bytes_come() {
    let bytes = frame(0x82, &[0; LIMIT + 1]);
    let (_, result, _) = read(&bytes[..HEAD], HEAD);
    assert_eq!(result, Err(Error::TakeMessage { limit: LIMIT }));
    const HEAD: usize = 14;
}

#[test]
fn a_reader_that_waits_says_so() {
    let bytes = [frame(0x01, b"a"), frame(0x80, b"b")].concat();
    let mut reader = Reader::new();
    for (index, byte) in bytes.iter().enumerate() {
        reader.read(&mut [*byte], LIMIT, &mut |_| ()).unwrap();
        assert_eq!(reader.is_waiting(), index + 1 < bytes.len(), "after byte {index}");
    }
    assert_eq!(size_of::<Reader>(), 16, "an idle connection holds more");
}

#[test]
fn a_whole_frame_is_given_where_it_is() {
    let mut bytes = frame(0x82, b"where it is");
    let places = bytes.as_ptr_range();
    let mut within = false;
    Reader::new()
        .read(&mut bytes, LIMIT, &mut |message| {
            let Message::Binary(payload) = message else { panic!("{message:?}") };
            within = places.contains(&payload.as_ptr()) && payload == b"where it is";
        })
        .unwrap();
    assert!(within, "the payload was copied");
}
