//! The part of the page that is written by a run.

use std::fs;

use anyhow::{Context, Result};

use super::{table, target};
use crate::figures::Figures;

const BEGIN: &str = "<!-- The figures from here are written by `cargo xtask bench notifications --write`. -->\n";
const END: &str = "<!-- The figures end here. -->";

/// Both tables and the chart.
pub(super) fn generated(figures: &Figures, machine: &str) -> String {
    format!(
        "\n{machine}\n\n{}\n![Bars of the medians below](benchmarks.svg)\n\n{}\n",
        target::table(figures),
        table::table(figures)
    )
}

/// The page with other figures.
pub(super) fn replace(page: &str, generated: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).context("the line before the figures is missing")?;
    let (_, after) = rest.split_once(END).context("the line behind the figures is missing")?;
    Ok(format!("{before}{BEGIN}{generated}{END}{after}"))
}

/// When and on what this was measured, in a sentence.
pub(super) fn machine() -> String {
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<&str> = processors.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let model = models.first().map_or("of an unknown model", |model| model.trim_start_matches(['\t', ' ', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.trim().splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    format!("Measured on {day}: {} cores of {model}, Linux {}.", models.len(), kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_figures_are_replaced() {
        let page = format!("# Title\n\n{BEGIN}old\n{END}\nmethod\n");
        assert_eq!(replace(&page, "new\n").unwrap(), format!("# Title\n\n{BEGIN}new\n{END}\nmethod\n"));
        assert!(replace("# Title", "new").is_err());
    }
}
