//! Content keys: the same inputs give the same key, so that nothing is built twice.

use std::path::Path;

use anyhow::{Context, Result};

use crate::command;

/// Digits of a key in a tag or file name.
const SHORT: usize = 16;

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let line = command::read(command::new("sha256sum").arg("--").arg(path))?;
    first_word(&line)
}

/// A short key of some texts. Their borders count.
pub(crate) fn of_texts(texts: &[&str]) -> Result<String> {
    let mut input = Vec::new();
    for text in texts {
        input.extend_from_slice(format!("{}\n", text.len()).as_bytes());
        input.extend_from_slice(text.as_bytes());
    }
    let line = command::feed(&mut command::new("sha256sum"), &input)?;
    Ok(short(&first_word(&line)?))
}

/// The first digits of a key.
pub(crate) fn short(key: &str) -> String {
    key.chars().take(SHORT).collect()
}

fn first_word(line: &str) -> Result<String> {
    // A leading backslash marks an escaped file name.
    let word = line.split_whitespace().next().context("sha256sum printed nothing")?;
    Ok(word.trim_start_matches('\\').to_owned())
}
