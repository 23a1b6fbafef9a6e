//! Rules about topics, and about schemas of their events.

use serde_json::{Value, json};

use super::{answer, says};

#[tokio::test]
async fn refuses_a_topic_of_the_stream_that_the_stack_has_not() {
    let topics =
        |topics: &[&str]| json!({"topics": [{"name": "orders"}], "notifications": {"config": {"topics": topics}}});
    answer("demo", &topics(&["product-events", "orders"])).await.expect("both are topics of the stack");
    says(answer("demo", &topics(&["orders", "bills"])).await, "bills is no topic of the stack; add it to spec.topics");
}

#[tokio::test]
async fn refuses_fewer_partitions_for_the_topics_that_always_exist() {
    let spec = json!({"topics": [{"name": "notifications", "partitions": 5}]});
    says(answer("demo", &spec).await, "always exist with at least 6 partitions");
}

#[tokio::test]
async fn refuses_a_schema_for_types_that_have_a_shape_already() {
    for (kind, sentence) in [("ProductCreated", "are there already"), ("gap", "are what the stream itself says")] {
        let spec = json!({"schemas": [{"type": kind, "schema": {}}]});
        says(answer("demo", &spec).await, sentence);
    }
}

/// The API server knows nothing of JSON Schema: it must take the schema whole, nulls and unknown words included.
#[tokio::test]
async fn keeps_a_schema_as_it_was_written() {
    let schema = json!({"type": "object", "const": null, "x-mine": [1, {"a": null}], "properties": {"a": {"enum": [null, 1.5]}}});
    let spec = json!({"schemas": [{"type": "OrderPlaced", "schema": schema}]});
    let stack = answer("demo", &spec).await.expect("a schema is the user's own");
    assert_eq!(Value::Object(stack.spec.schemas[0].schema.clone()), schema);
}
