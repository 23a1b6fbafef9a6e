use super::*;

fn pieces(body: &[u8]) -> Result<Vec<Piece<'_>>, Error> {
    split(body).collect()
}

#[test]
fn bodies_are_split_into_their_packets() {
    let bytes = |bytes: &'static [u8]| Piece::Binary(Bytes::from_static(bytes));
    let cases = [
        (&b"4hello"[..], vec![Piece::Text("4hello")]),
        (b"4hello\x1e2\x1e4world", vec![Piece::Text("4hello"), Piece::Text("2"), Piece::Text("4world")]),
        ("4€\u{1e}4ä".as_bytes(), vec![Piece::Text("4€"), Piece::Text("4ä")]),
        (b"bAQIDBA==", vec![bytes(&[1, 2, 3, 4])]),
        (b"bAQIDBA", vec![bytes(&[1, 2, 3, 4])]),
        (b"b", vec![bytes(&[])]),
        (b"4a\x1ebQUI=\x1e4c", vec![Piece::Text("4a"), bytes(b"AB"), Piece::Text("4c")]),
        (b"b+/+/", vec![bytes(&[0xfb, 0xff, 0xbf])]),
    ];
    for (body, expected) in cases {
        assert_eq!(pieces(body), Ok(expected), "{}", body.escape_ascii());
    }
}

#[test]
fn bodies_that_hold_no_packets_are_refused() {
    assert_eq!(pieces(b""), Err(Error::ReadEmpty));
    assert_eq!(pieces(b"\x1e"), Err(Error::ReadEmpty));
    assert_eq!(pieces(b"4a\x1e"), Err(Error::ReadEmpty));
    assert_eq!(pieces(b"4a\x1e\x1e4b"), Err(Error::ReadEmpty));
    for body in [&b"4\xff"[..], b"\xe2\x1e\x82\xac"] {
        assert!(matches!(pieces(body), Err(Error::ReadText(_))), "{}", body.escape_ascii());
    }
    for body in [&b"b?"[..], b"bAQI-_w==", b"bA", b"bAQID BA==", b"bAQ==AQ==", b"b\xff"] {
        assert!(matches!(pieces(body), Err(Error::ReadBinary(_))), "{}", body.escape_ascii());
    }
}

#[test]
fn a_binary_message_becomes_base64() {
    assert_eq!(binary(&[1, 2, 3, 4]), "bAQIDBA==");
    assert_eq!(binary(&[]), "b");
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(pieces(&binary(&all)), Ok(vec![Piece::Binary(all.clone().into())]));
}

#[test]
fn packets_of_a_body_become_frames() {
    let expected = [websocket::text(&[b"4one"]), websocket::binary(b"AB"), websocket::text(&[b"6"])].concat();
    assert_eq!(to_frames(b"4one\x1ebQUI=\x1e6"), Ok(expected.into()));
    assert_eq!(to_frames(b"4one\x1e"), Err(Error::ReadEmpty));
}
