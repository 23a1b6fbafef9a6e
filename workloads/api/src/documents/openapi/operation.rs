//! One request, in the words of OpenAPI.

use serde_json::{Value, json};

use super::schemas;

/// A request and its answers.
pub(super) struct Operation(Value);

impl Operation {
    /// A request that anybody may make as often as he likes; `id` is its name in generated clients.
    pub(super) fn free(tag: &str, id: &str, summary: &str) -> Self {
        Self(
            json!({"tags": [tag], "operationId": id, "summary": summary, "security": [{}], "parameters": [], "responses": {}}),
        )
    }

    /// A request that anybody may make, and that counts for the limit of its address.
    pub(super) fn open(tag: &str, id: &str, summary: &str) -> Self {
        Self::free(tag, id, summary).problems(&[429])
    }

    /// A request that needs a token where the stack asks for tokens, and that counts for its user, too.
    pub(super) fn guarded(tag: &str, id: &str, summary: &str) -> Self {
        let Self(mut value) = Self::open(tag, id, summary);
        value["security"] = json!([{}, {"token": []}]);
        Self(value).problems(&[401, 503])
    }

    /// More about it.
    pub(super) fn about(mut self, description: &str) -> Self {
        self.0["description"] = description.into();
        self
    }

    /// The ways to say who one is, instead of a token in a header alone.
    pub(super) fn secured(mut self, security: Value) -> Self {
        self.0["security"] = security;
        self
    }

    /// A part of the path.
    pub(super) fn path(self, name: &str, schema: Value, description: &str) -> Self {
        self.parameter("path", name, schema, description, json!({}))
    }

    /// A parameter of the query, which may be absent.
    pub(super) fn query(self, name: &str, schema: Value, description: &str) -> Self {
        self.parameter("query", name, schema, description, json!({}))
    }

    /// A parameter of the query that must be there.
    pub(super) fn needed(self, name: &str, schema: Value, description: &str) -> Self {
        self.parameter("query", name, schema, description, json!({"required": true}))
    }

    /// The same with values by comma.
    pub(super) fn list(self, name: &str, items: Value, description: &str) -> Self {
        let mut schema = json!({"type": "array", "minItems": 1, "maxItems": 64});
        schema["items"] = items;
        self.parameter("query", name, schema, description, json!({"style": "form", "explode": false}))
    }

    /// A header of the request, which may be absent.
    pub(super) fn header(self, name: &str, schema: Value, description: &str) -> Self {
        self.parameter("header", name, schema, description, json!({}))
    }

    fn parameter(mut self, place: &str, name: &str, schema: Value, description: &str, mut parameter: Value) -> Self {
        parameter["in"] = place.into();
        parameter["name"] = name.into();
        if parameter["required"].is_null() {
            parameter["required"] = (place == "path").into();
        }
        parameter["description"] = description.into();
        parameter["schema"] = schema;
        if let Some(parameters) = self.0["parameters"].as_array_mut() {
            parameters.push(parameter);
        }
        self
    }

    /// The body, JSON of that schema.
    pub(super) fn body(mut self, required: bool, schema: Value, example: Value) -> Self {
        self.0["requestBody"] = json!({"required": required});
        self.0["requestBody"]["content"] = in_json(schema, example);
        self.problems(&[400, 408, 413, 415, 422])
    }

    /// The body, a text.
    pub(super) fn packets(mut self, description: &str) -> Self {
        let content = json!({"text/plain": {"schema": {"type": "string"}}});
        self.0["requestBody"] = json!({"required": true, "description": description, "content": content});
        self
    }

    /// One more case of an answer in JSON: what it means is added, and an example of it.
    pub(super) fn also(mut self, status: u16, schema: Value, meaning: &str, example: &Value) -> Self {
        let response = &mut self.0["responses"][status.to_string()];
        let description = match response["description"].as_str() {
            Some(others) => format!("{others}; {meaning}"),
            None => meaning.to_owned(),
        };
        response["description"] = description.into();
        let content = &mut response["content"]["application/json"];
        content["schema"] = schema;
        content["examples"][meaning] = json!({"value": example});
        self
    }

    /// A problem beside another form of the same answer.
    pub(super) fn or_problem(mut self, status: u16, meaning: &str) -> Self {
        let response = &mut self.0["responses"][status.to_string()];
        response["content"]["application/problem+json"] = json!({"schema": schemas::named("Problem")});
        let description = response["description"].as_str().unwrap_or_default();
        response["description"] = format!("{description}. {meaning}, as a problem").into();
        self
    }

    /// An answer in JSON.
    pub(super) fn json(self, status: u16, description: &str, schema: Value, example: Value) -> Self {
        self.answer(status, description, in_json(schema, example))
    }

    /// An answer with that content, by media type.
    pub(super) fn answer(mut self, status: u16, description: &str, content: Value) -> Self {
        let mut response = json!({"description": description});
        response["content"] = content;
        self.0["responses"][status.to_string()] = response;
        self
    }

    /// An answer without content.
    pub(super) fn empty(mut self, status: u16, description: &str) -> Self {
        self.0["responses"][status.to_string()] = json!({"description": description});
        self
    }

    /// A header of an answer.
    pub(super) fn tells(mut self, status: u16, header: &str, description: &str) -> Self {
        self.0["responses"][status.to_string()]["headers"][header] =
            json!({"description": description, "schema": {"type": "string"}});
        self
    }

    /// What can be asked about that which was created, by its id.
    pub(super) fn leads_to(mut self, name: &str, operation: &str) -> Self {
        self.0["responses"]["201"]["links"][name] =
            json!({"operationId": operation, "parameters": {"id": "$response.body#/id"}});
        self
    }

    /// Problems by their statuses.
    pub(super) fn problems(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            let reference = format!("#/components/responses/{}", Self::problem_name(*status));
            self.0["responses"][status.to_string()] = json!({"$ref": reference});
        }
        self
    }

    /// The name of the response that tells the problem.
    pub(super) fn problem_name(status: u16) -> String {
        format!("Problem{status}")
    }

    /// Where pages go on, as parameters and a header.
    pub(super) fn paged(self) -> Self {
        self.query("limit", json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50}), "How many at most")
            .query(
                "cursor",
                json!({"type": "string"}),
                "Where the page begins, from the `Link` header of the one before",
            )
            .tells(200, "Link", "The address of the next page, with `rel=\"next\"`, when there is one")
            .problems(&[400])
    }

    /// The header by which a request may be repeated.
    pub(super) fn repeatable(self) -> Self {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"});
        self.header(
            "Idempotency-Key",
            schema,
            "A request with the same key and body is done once, within 24 h, and answered alike. Without a token it must be a UUID.",
        )
        .tells(201, "Idempotency-Replayed", "`true` when the answer is that of an earlier request")
        .problems(&[400, 422])
    }

    /// The operation's object, with its answers by status.
    pub(super) fn into_value(self) -> Value {
        let mut value = self.0;
        if let Some(responses) = value["responses"].as_object_mut() {
            responses.sort_keys();
        }
        value
    }
}

fn in_json(schema: Value, example: Value) -> Value {
    let mut content = json!({"application/json": {}});
    content["application/json"]["schema"] = schema;
    content["application/json"]["example"] = example;
    content
}

/// The schema of an id.
pub(super) fn id() -> Value {
    json!({"type": "string", "format": "uuid"})
}

/// The schema of a channel's name.
pub(super) fn channel() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[A-Za-z0-9._:/@|+=~-]+$"})
}

/// A notification as an example.
pub(super) fn notification(status: &str) -> Value {
    json!({
        "id": "01a1fd12-6991-7144-98a7-4c194d7e9b72", "message": "hello", "type": "info", "channel": "orders",
        "status": status, "timestamp": "2026-11-21T07:46:44.753Z", "data": {"order": 7},
    })
}

/// A reference to a schema, by its name.
pub(super) fn shape(name: &str) -> Value {
    schemas::named(name)
}
