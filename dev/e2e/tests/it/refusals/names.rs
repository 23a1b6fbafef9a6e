//! How a stack may be called, how little it may say, and that what the examples say is accepted.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{answer, says};

#[tokio::test]
async fn accepts_an_empty_spec() {
    answer("demo", &json!({})).await.expect("an empty spec is a working stack");
}

#[tokio::test]
async fn accepts_the_longest_name() {
    answer(&"a".repeat(realtime_crds::MAXIMUM_NAME_LENGTH), &json!({})).await.expect("38 characters are allowed");
}

#[tokio::test]
async fn refuses_a_name_that_leaves_no_room_for_the_objects() {
    says(answer(&"a".repeat(39), &json!({})).await, "at most 38 characters");
}

#[tokio::test]
async fn refuses_a_name_that_no_service_could_have() {
    for name in ["1demo", "demo.one"] {
        says(answer(name, &json!({})).await, "must start with a letter");
    }
}

/// What a user copies must work: each file of `examples/`, by a server-side dry run as kubectl does it.
#[tokio::test]
async fn accepts_every_example() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files: Vec<_> = std::fs::read_dir(directory).expect("examples").map(|it| it.expect("a file").path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("an example can be read");
        let mut stacks = 0;
        for document in serde_yaml::Deserializer::from_str(&text) {
            let value = Value::deserialize(document).expect("an example is YAML");
            if value["kind"] == "RealtimeStack" {
                let name = value["metadata"]["name"].as_str().expect("a name").to_owned();
                answer(&name, &value["spec"]).await.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                stacks += 1;
            }
        }
        assert!(stacks > 0, "{} has no stack", file.display());
    }
}
