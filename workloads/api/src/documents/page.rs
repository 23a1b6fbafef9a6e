//! Both documents as one page: text, without scripts, for light and dark.

mod html;

use serde_json::Value;

use self::html::{escape, marked, pretty};

const STYLE: &str = include_str!("page/style.css");

/// The page.
pub(super) fn render(openapi: &Value, asyncapi: &Value) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <style>{STYLE}</style></head><body><header><h1>{title} <small>{version}</small></h1><p>{about}</p>\
         <p>For programs: <a href=\"openapi.json\">openapi.json</a>, <a href=\"asyncapi.json\">asyncapi.json</a></p></header>",
        title = text(&openapi["info"]["title"]),
        version = text(&openapi["info"]["version"]),
        about = marked(&openapi["info"]["description"]),
    );
    page.push_str(&contents(openapi, asyncapi));
    page.push_str("<main>");
    for tag in items(&openapi["tags"]) {
        page.push_str(&tag_section(openapi, tag));
    }
    page.push_str("<section><h2 id=\"streamed\">What is streamed</h2>");
    for (name, channel) in fields(&asyncapi["channels"]) {
        page.push_str(&channel_section(asyncapi, name, channel));
    }
    page.push_str("</section>");
    page.push_str(&problem_section(openapi));
    page.push_str(&shape_section(openapi, asyncapi));
    page.push_str("</main></body></html>\n");
    page
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

/// Every operation with its path and method.
fn operations(openapi: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    fields(&openapi["paths"])
        .flat_map(|(path, item)| fields(item).map(move |(method, operation)| (path, method, operation)))
}

fn contents(openapi: &Value, asyncapi: &Value) -> String {
    let mut list = String::from("<nav aria-label=\"Contents\"><ul>");
    for (path, method, operation) in operations(openapi) {
        let (id, method) = (text(&operation["operationId"]), method.to_uppercase());
        list.push_str(&format!("<li><a href=\"#{id}\"><b>{method}</b> {}</a></li>", escape(path)));
    }
    for (name, channel) in fields(&asyncapi["channels"]) {
        let (name, address) = (escape(name), text(&channel["address"]));
        list.push_str(&format!("<li><a href=\"#{name}\"><b>stream</b> {address}</a></li>"));
    }
    list + "<li><a href=\"#problems\">Problems</a></li><li><a href=\"#shapes\">Shapes</a></li></ul></nav>"
}

fn tag_section(openapi: &Value, tag: &Value) -> String {
    let (name, about) = (text(&tag["name"]), marked(&tag["description"]));
    let mut section = format!("<section><h2>{name}</h2><p>{about}</p>");
    for (path, method, operation) in operations(openapi).filter(|(.., operation)| operation["tags"][0] == tag["name"]) {
        section.push_str(&operation_article(path, method, operation));
    }
    section + "</section>"
}

fn operation_article(path: &str, method: &str, operation: &Value) -> String {
    let (id, summary) = (text(&operation["operationId"]), text(&operation["summary"]));
    let (name, path) = (method.to_uppercase(), escape(path));
    let mut article = format!(
        "<article id=\"{id}\"><h3><code class=\"{method}\">{name}</code> <code>{path}</code></h3><p>{summary}. {}</p>",
        marked(&operation["description"])
    );
    if items(&operation["parameters"]).next().is_some() {
        article.push_str("<table><thead><tr><th>parameter</th><th>in</th><th></th></tr></thead><tbody>");
        for parameter in items(&operation["parameters"]) {
            let (name, place, about) =
                (text(&parameter["name"]), text(&parameter["in"]), marked(&parameter["description"]));
            article.push_str(&format!("<tr><td><code>{name}</code></td><td>{place}</td><td>{about}</td></tr>"));
        }
        article.push_str("</tbody></table>");
    }
    let body = &operation["requestBody"]["content"]["application/json"];
    if !body.is_null() {
        article.push_str(&format!("<p>Body: {}</p>{}", shape(&body["schema"]), example(&body["example"])));
    }
    article + &answers(operation) + "</article>"
}

fn answers(operation: &Value) -> String {
    let mut answers = String::new();
    let mut problems = Vec::new();
    for (status, response) in fields(&operation["responses"]) {
        if response["$ref"].is_string() {
            problems.push(format!("<a href=\"#problem{status}\">{status}</a>"));
            continue;
        }
        answers.push_str(&format!("<p><b>{status}</b> {}", marked(&response["description"])));
        for (media_type, content) in fields(&response["content"]) {
            answers.push_str(&format!("; <code>{}</code> {}", escape(media_type), shape(&content["schema"])));
        }
        answers.push_str("</p>");
        for (header, about) in fields(&response["headers"]) {
            let about = marked(&about["description"]);
            answers.push_str(&format!("<p class=\"detail\">Header <code>{}</code>: {about}</p>", escape(header)));
        }
        for (_, content) in fields(&response["content"]) {
            answers.push_str(&example(&content["example"]));
        }
    }
    if !problems.is_empty() {
        answers.push_str(&format!("<p>Problems: {}</p>", problems.join(", ")));
    }
    answers
}

fn channel_section(asyncapi: &Value, name: &str, channel: &Value) -> String {
    let (address, summary) = (text(&channel["address"]), marked(&channel["summary"]));
    let server = channel["servers"][0]["$ref"].as_str().and_then(|it| it.rsplit('/').next()).unwrap_or_default();
    let place = text(&asyncapi["servers"][server]["description"]);
    let mut article = format!(
        "<article id=\"{}\"><h3><code>{address}</code></h3><p>{summary}. <span class=\"detail\">{place}.</span></p>\
         <table><thead><tr><th>message</th><th>from</th><th>data</th><th></th></tr></thead><tbody>",
        escape(name)
    );
    for (message, content) in fields(&channel["messages"]) {
        let operation = &asyncapi["operations"][format!("{name}.{message}")];
        let from = if operation["action"] == "receive" { "client" } else { "stack" };
        let (data, about) = (shape(&content["payload"]), marked(&content["summary"]));
        let message = escape(message);
        article.push_str(&format!(
            "<tr><td><code>{message}</code></td><td>{from}</td><td>{data}</td><td>{about}</td></tr>"
        ));
    }
    article + "</tbody></table></article>"
}

fn problem_section(openapi: &Value) -> String {
    let mut section = String::from("<section><h2 id=\"problems\">Problems</h2>");
    for (name, response) in fields(&openapi["components"]["responses"]) {
        let status = name.trim_start_matches("Problem");
        let about = marked(&response["description"]);
        let content = &response["content"]["application/problem+json"];
        section.push_str(&format!(
            "<article id=\"problem{status}\"><h3>{status}</h3><p>{about}</p>{}</article>",
            example(&content["example"])
        ));
    }
    section + "</section>"
}

fn shape_section(openapi: &Value, asyncapi: &Value) -> String {
    let of = |document: &Value| document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let mut shapes = of(openapi);
    shapes.extend(of(asyncapi));
    let mut section = String::from("<section><h2 id=\"shapes\">Shapes</h2>");
    for (name, schema) in &shapes {
        let (name, about) = (escape(name), marked(&schema["description"]));
        section.push_str(&format!("<article id=\"shape-{name}\"><h3>{name}</h3><p>{about}</p><table><tbody>"));
        for (field, schema_of_field) in fields(&schema["properties"]) {
            let required = items(&schema["required"]).any(|name| name == field);
            let (kind, about) = (shape(schema_of_field), marked(&schema_of_field["description"]));
            let presence = if required { "" } else { "optional" };
            let field = escape(field);
            section.push_str(&format!(
                "<tr><td><code>{field}</code></td><td>{kind}</td><td>{presence}</td><td>{about}</td></tr>"
            ));
        }
        section.push_str("</tbody></table></article>");
    }
    section + "</section>"
}

/// What a schema says in a word.
fn shape(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("<a href=\"#shape-{0}\">{0}</a>", escape(name));
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", shape(&schema["items"])),
        Value::String(kind) => match schema["format"].as_str() {
            Some(format) => format!("{} ({})", escape(kind), escape(format)),
            None => escape(kind),
        },
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => match schema["oneOf"].as_array() {
            Some(choices) => choices.iter().map(shape).collect::<Vec<_>>().join(" or "),
            None => "anything".to_owned(),
        },
    }
}

fn example(example: &Value) -> String {
    match example {
        Value::Null => String::new(),
        Value::String(text) => format!("<pre tabindex=\"0\">{}</pre>", escape(text)),
        value => format!("<pre tabindex=\"0\">{}</pre>", pretty(value)),
    }
}
