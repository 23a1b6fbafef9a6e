//! Text in HTML.

use serde_json::Value;

/// The text, with what HTML would take for its own written otherwise.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The same, with what stands between backticks as code.
pub(super) fn marked(text: &Value) -> String {
    let parts = text.as_str().unwrap_or_default().split('`').enumerate();
    parts
        .map(|(place, part)| if place % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) })
        .collect()
}

/// JSON in lines.
pub(super) fn pretty(value: &Value) -> String {
    escape(&format!("{value:#}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_html_would_take_for_its_own_is_text() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        assert_eq!(marked(&json!("a `<b>` c")), "a <code>&lt;b&gt;</code> c");
        assert_eq!(pretty(&json!(["<"])), "[\n  &quot;&lt;&quot;\n]");
    }
}
