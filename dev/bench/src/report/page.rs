//! The part of the page that is written by a run.

use std::fs;

use anyhow::{Context, Result};

use super::{Page, table, target};
use crate::figures::Figures;

const END: &str = "<!-- The figures end here. -->";

fn begin(page: &Page) -> String {
    format!("<!-- The figures from here are written by `cargo xtask bench {} --write`. -->\n", page.name)
}

/// Both tables and the chart.
pub(super) fn generated(page: &Page, figures: &Figures, machine: &str) -> String {
    format!(
        "\n{machine}\n\n{}\n![Bars of the medians below]({})\n\n{}\n",
        target::table(page, figures),
        page.chart,
        table::table(figures)
    )
}

/// The text with other figures of that benchmark.
pub(super) fn replace(page: &Page, text: &str, generated: &str) -> Result<String> {
    let begin = begin(page);
    let (before, rest) = text.split_once(&begin).context("the line before the figures is missing")?;
    let (_, after) = rest.split_once(END).context("the line behind the figures is missing")?;
    Ok(format!("{before}{begin}{generated}{END}{after}"))
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
    use crate::figures::{Measurement, Metric};
    use crate::peer::Peer;
    use crate::report::{API, NOTIFICATIONS, REST};

    #[test]
    fn only_the_figures_of_that_benchmark_are_replaced() {
        let part = |page, figures: &str| format!("# Title\n\n{}{figures}{END}\nmethod\n", begin(page));
        let text = part(&NOTIFICATIONS, "old\n") + &part(&API, "old\n");
        let first = replace(&NOTIFICATIONS, &text, "new\n").unwrap();
        assert_eq!(first, part(&NOTIFICATIONS, "new\n") + &part(&API, "old\n"));
        let second = replace(&API, &text, "new\n").unwrap();
        assert_eq!(second, part(&NOTIFICATIONS, "old\n") + &part(&API, "new\n"));
        assert!(replace(&API, "# Title", "new").is_err());
    }

    #[test]
    fn a_part_that_was_not_measured_is_left_as_it_is() {
        let one = |metric| Measurement { round: 1, peer: Peer::Api, metric, value: 1.0 };
        let figures = Figures { measurements: vec![one(Metric::ReadTail), one(Metric::WriteTail)], failures: vec![] };
        let told = |page: &Page| page.part(&figures).map(|part| part.measurements.len());
        assert_eq!((told(&API), told(&REST), told(&NOTIFICATIONS)), (None, Some(2), Some(2)));
    }
}
