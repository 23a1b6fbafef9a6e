use super::{decode, show};

/// What an error says, and the texts that it is about.
const CASES: &[(&str, &[&str])] = &[
    ("type", &["", "7", "999", "a", "é", " 2[\"a\"]", "-1"]),
    (
        "number of attachments",
        &["5", "51", "5-[\"a\"]", "5a-[\"a\"]", "51.5-[\"a\"]", "5 1-[\"a\"]", "5-1-[\"a\"]", "6/a,1[]"],
    ),
    ("number of attachments", &["599999999999999999999-[\"a\"]"]),
    ("attachments: at most 16", &["517-[\"a\"]", "618446744073709551615-1[]"]),
    ("id", &["3[]", "3/a,[]", "299999999999999999999[\"a\"]", "60-[]"]),
    (
        "data",
        &[
            "2{",
            "2[\"a\"",
            "2[\"a\"]x",
            "2[\"a\",]",
            "2[\"a\u{1e}\"]",
            "0{\"a\"}",
            "31{}",
            "3/a,1x",
            "2[\"a\",NaN]",
            "2a",
            "4{\"message\":1}",
        ],
    ),
    (
        "has to be",
        &[
            "0[]", "0null", "0\"a\"", "1{}", "1/a,x", "2", "2[]", "2/a,", "2[null]", "2[{}]", "2[[]]", "2[true]", "31",
            "4", "41", "4[]",
        ],
    ),
    (
        "reserved",
        &[
            "2[\"connect\"]",
            "2[\"connect_error\"]",
            "2[\"disconnect\"]",
            "2[\"disconnecting\"]",
            "2[\"newListener\"]",
            "2[\"removeListener\"]",
            "51-[\"connect\",{\"_placeholder\":true,\"num\":0}]",
            "2[\"\\u0063onnect\"]",
        ],
    ),
    ("namespace", &["0/a\u{1e}b,", "2/\n,[\"a\"]"]),
    (
        "placeholders",
        &[
            "51-[\"a\",{\"_placeholder\":true,\"num\":1}]",
            "51-[\"a\",{\"_placeholder\":true,\"num\":-1}]",
            "51-[\"a\",{\"_placeholder\":true,\"num\":0.5}]",
            "51-[\"a\",{\"_placeholder\":true,\"num\":\"splice\"}]",
            "51-[\"a\",{\"_placeholder\":true}]",
            "51-[\"a\",[{\"b\":{\"num\":1,\"_placeholder\":true}}]]",
            "50-[\"a\",{\"_placeholder\":true,\"num\":0}]",
            "51-[\"a\",{\"_placehol\\u0064er\":true,\"num\":1}]",
            "51-[\"a\",{\"_placeholder\":true,\"num\":0,\"num\":1}]",
            "51-[\"a\",{\"_placeholder\":true,\"num\":0,\"b\":{\"_placeholder\":true,\"num\":3}}]",
        ],
    ),
];

#[test]
fn what_is_no_packet_is_refused() {
    for (reason, texts) in CASES {
        for text in *texts {
            let error = decode(text).map(|packet| packet.map(|packet| show(&packet))).expect_err(text);
            assert!(error.to_string().contains(reason), "{text}: {error}");
        }
    }
}
