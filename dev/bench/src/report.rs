//! The figures as people read them: on the terminal, in a file, and in the page of the documentation.

mod chart;
mod page;
mod table;
mod target;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result};

use crate::figures::Figures;

/// Prints the tables.
pub(crate) fn print(figures: &Figures) -> Result<()> {
    let text = format!("\n{}\n{}", target::table(figures), table::table(figures));
    io::stdout().write_all(text.as_bytes()).context("failed to print the figures")
}

/// Writes every value as JSON.
pub(crate) fn write_results(path: &Path, figures: &Figures) -> Result<()> {
    let text = serde_json::to_string_pretty(figures).context("failed to encode the figures")?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    }
    fs::write(path, text + "\n").with_context(|| format!("failed to write {}", path.display()))
}

/// Replaces the figures in the page, and writes its chart beside it.
pub(crate) fn write_page(path: &Path, figures: &Figures) -> Result<()> {
    let before = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let generated = page::generated(figures, &page::machine());
    let after = page::replace(&before, &generated)
        .with_context(|| format!("failed to find the figures in {}", path.display()))?;
    fs::write(path.with_extension("svg"), chart::draw(figures)).context("failed to write the chart")?;
    fs::write(path, after).with_context(|| format!("failed to write {}", path.display()))
}
