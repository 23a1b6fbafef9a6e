//! The schemas of event types: each must be one, and all must fit into a ConfigMap.

use jsonschema::PatternOptions;
use realtime_crds::EventSchema;
use serde_json::{Value, json};

use super::Error;

/// Bytes of all schemas as one JSON text. A ConfigMap holds 1 MiB, and the stack itself, which holds them too, 1.5 MiB with its status.
const LIMIT: usize = 512 << 10;
/// Characters of a place or a reason.
const LONGEST: usize = 200;

/// Refuses schemas that the notifications service could not check records against.
pub(super) fn check(schemas: &[EventSchema]) -> Result<(), Error> {
    let bytes = json!(schemas).to_string().len();
    if bytes > LIMIT {
        return Err(Error::FitSchemas { bytes, limit: LIMIT });
    }
    schemas.iter().try_for_each(compile)
}

/// The same compilation as in the notifications service: what passes here starts there. Patterns are matched in linear time, so one that
/// looks around is refused.
fn compile(event: &EventSchema) -> Result<(), Error> {
    let schema = Value::Object(event.schema.clone());
    let compiled = jsonschema::options().with_pattern_options(PatternOptions::regex()).build(&schema);
    compiled.map(drop).map_err(|error| Error::CompileSchema {
        kind: event.kind.clone(),
        place: place(error.instance_path().as_str()),
        reason: shortened(&error.to_string()),
    })
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { "its root".to_owned() } else { shortened(pointer) }
}

/// The library repeats what it complains of, which may be half of the schema.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
