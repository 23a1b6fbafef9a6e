//! The figures as people read them: on the terminal, in a file, and in the page of the documentation.

mod chart;
mod page;
mod table;
mod target;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail};

use self::target::Target;
use crate::figures::{Figures, Metric};
use crate::peer::Peer;

/// How the figures of one benchmark are told.
#[derive(Debug)]
pub(crate) struct Page {
    /// What measures it, on the command line.
    name: &'static str,
    /// Whether it tells of that metric.
    tells: fn(Metric) -> bool,
    /// The server that the promises are about.
    ours: Peer,
    targets: &'static [Target],
    /// Metrics in the chart, each with the direction that is better.
    panels: &'static [(Metric, &'static str)],
    /// The chart's file, beside the page.
    chart: &'static str,
}

/// The benchmark of realtime-notifications.
pub(crate) const NOTIFICATIONS: Page = Page {
    name: "notifications",
    tells: |_| true,
    ours: Peer::Ours,
    targets: &target::NOTIFICATIONS,
    panels: &[
        (Metric::IdleMemory, "less is better"),
        (Metric::DeliveriesPerCpuSecond, "more is better"),
        (Metric::LatencyTail, "less is better"),
        (Metric::LastDelivery, "less is better"),
    ],
    chart: "benchmarks.svg",
};

/// The benchmark of realtime-api: its sockets.
pub(crate) const API: Page = Page {
    name: "api",
    tells: |metric| !metric.is_rest(),
    ours: Peer::Api,
    targets: &target::API,
    panels: &[
        (Metric::IdleMemory, "less is better"),
        (Metric::DeliveriesPerCpuSecond, "more is better"),
        (Metric::PostMedian, "less is better"),
        (Metric::PostTail, "less is better"),
    ],
    chart: "benchmarks-api.svg",
};

/// The benchmark of realtime-api: its REST.
pub(crate) const REST: Page = Page {
    name: "api --only rest-read,rest-write",
    tells: Metric::is_rest,
    ours: Peer::Api,
    targets: &target::REST,
    panels: &[
        (Metric::ReadsPerCpuSecond, "more is better"),
        (Metric::WritesPerCpuSecond, "more is better"),
        (Metric::ReadTail, "less is better"),
        (Metric::WriteTail, "less is better"),
    ],
    chart: "benchmarks-rest.svg",
};

impl Page {
    /// What it tells of; nothing when none of that was measured.
    pub(crate) fn part(&self, figures: &Figures) -> Option<Figures> {
        let measurements: Vec<_> = figures.measurements.iter().filter(|it| (self.tells)(it.metric)).cloned().collect();
        (!measurements.is_empty()).then(|| Figures { measurements, failures: figures.failures.clone() })
    }
}

/// Prints the tables.
pub(crate) fn print(page: &Page, figures: &Figures) -> Result<()> {
    let text = format!("\n{}\n{}", target::table(page, figures), table::table(figures));
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

/// Replaces the benchmark's figures in the file, and writes its chart beside it.
pub(crate) fn write_page(path: &Path, page: &Page, figures: &Figures) -> Result<()> {
    if !target::all_measured(page, figures) {
        bail!("the figures of `bench {}` stay as they are: not all of it was measured", page.name);
    }
    let before = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let generated = page::generated(page, figures, &page::machine());
    let after = page::replace(page, &before, &generated)
        .with_context(|| format!("failed to find the figures in {}", path.display()))?;
    fs::write(path.with_file_name(page.chart), chart::draw(page, figures)).context("failed to write the chart")?;
    fs::write(path, after).with_context(|| format!("failed to write {}", path.display()))
}
