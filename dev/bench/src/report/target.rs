//! What is promised of the service, and whether the run showed it.

use super::Page;
use crate::figures::{Figures, Metric, Unit};
use crate::peer::Peer;

/// One promise about ours.
#[derive(Debug)]
pub(super) struct Target {
    metric: Metric,
    limit: Limit,
}

#[derive(Debug)]
enum Limit {
    /// No more than this value.
    Ceiling(f64),
    /// At least this value.
    Floor(f64),
    /// No more than so many times the peer's value in the same round.
    TimesAtMost(f64, &'static [Peer]),
    /// At least so many times the peer's value in the same round; of several peers, the best one.
    TimesAtLeast(f64, &'static [Peer]),
}

pub(super) const NOTIFICATIONS: [Target; 7] = [
    Target { metric: Metric::IdleMemory, limit: Limit::Ceiling(3000.0) },
    Target {
        metric: Metric::DeliveriesPerCpuSecond,
        limit: Limit::TimesAtLeast(0.7, &[Peer::Floor, Peer::FloorBatched]),
    },
    Target { metric: Metric::DeliveriesPerCpuSecond, limit: Limit::TimesAtLeast(5.0, &[Peer::Node]) },
    Target { metric: Metric::LatencyTail, limit: Limit::TimesAtMost(1.5, &[Peer::Floor]) },
    Target { metric: Metric::LastDelivery, limit: Limit::TimesAtMost(1.5, &[Peer::Floor]) },
    Target { metric: Metric::NewcomerInStorm, limit: Limit::Ceiling(1000.0) },
    Target { metric: Metric::Churn, limit: Limit::Ceiling(1.05) },
];

pub(super) const API: [Target; 3] = [
    Target { metric: Metric::DeliveriesPerCpuSecond, limit: Limit::TimesAtLeast(4.0, &[Peer::NodeSocketIo]) },
    Target { metric: Metric::IdleMemory, limit: Limit::Ceiling(8000.0) },
    Target { metric: Metric::RelayRate, limit: Limit::Floor(20_000.0) },
];

pub(super) const REST: [Target; 2] = [
    Target { metric: Metric::ReadsPerCpuSecond, limit: Limit::TimesAtLeast(5.0, &[Peer::NodeRest]) },
    Target { metric: Metric::WritesPerCpuSecond, limit: Limit::TimesAtLeast(2.0, &[Peer::NodeRest]) },
];

/// A Markdown table, one line for each promise. What was not measured is said, too.
pub(super) fn table(page: &Page, figures: &Figures) -> String {
    let mut text = "| target | measured | reached |\n|---|---|---|\n".to_owned();
    for target in page.targets {
        let (goal, measured, reached) = judge(page.ours, figures, target);
        let reached = match reached {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not measured",
        };
        text += &format!("| {}: {goal} | {measured} | {reached} |\n", target.metric.title());
    }
    text
}

/// Whether nothing that is promised was left out.
pub(super) fn all_measured(page: &Page, figures: &Figures) -> bool {
    page.targets.iter().all(|target| judge(page.ours, figures, target).2.is_some())
}

/// The goal and the measured value in words, and whether it was reached.
fn judge(ours: Peer, figures: &Figures, target: &Target) -> (String, String, Option<bool>) {
    let metric = target.metric;
    let times = |peers: &[Peer]| {
        figures.median_of(|round| {
            let best = peers.iter().filter_map(|peer| figures.value(round, *peer, metric)).reduce(f64::max)?;
            Some(figures.value(round, ours, metric)? / best)
        })
    };
    let words = |value: Option<f64>, unit: Unit| value.map_or_else(|| "–".to_owned(), |value| unit.text(value));
    let factor = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2} times"));
    let name = |peers: &[Peer]| peers.first().map_or("", |peer| peer.title());
    match target.limit {
        Limit::Ceiling(limit) => {
            let value = figures.median(ours, metric);
            let goal = format!("at most {}", metric.unit().text(limit));
            (goal, words(value, metric.unit()), value.map(|value| value <= limit))
        }
        Limit::Floor(limit) => {
            let value = figures.median(ours, metric);
            let goal = format!("at least {}", metric.unit().text(limit));
            (goal, words(value, metric.unit()), value.map(|value| value >= limit))
        }
        Limit::TimesAtMost(limit, peers) => {
            let value = times(peers);
            (format!("at most {limit} times {}", name(peers)), factor(value), value.map(|value| value <= limit))
        }
        Limit::TimesAtLeast(limit, peers) => {
            let value = times(peers);
            let best = if peers.len() > 1 { ", whichever mode is better" } else { "" };
            (format!("at least {limit} times {}{best}", name(peers)), factor(value), value.map(|value| value >= limit))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Measurement;
    use crate::report;

    fn figures(values: &[(Peer, Metric, f64)]) -> Figures {
        let measurements = values.iter().map(|(peer, metric, value)| Measurement {
            round: 1,
            peer: *peer,
            metric: *metric,
            value: *value,
        });
        Figures { measurements: measurements.collect(), failures: Vec::new() }
    }

    #[test]
    fn the_better_mode_of_the_floor_counts() {
        let metric = Metric::DeliveriesPerCpuSecond;
        let table = table(
            &report::NOTIFICATIONS,
            &figures(&[
                (Peer::Floor, metric, 100.0),
                (Peer::FloorBatched, metric, 1000.0),
                (Peer::Node, metric, 100.0),
                (Peer::Ours, metric, 600.0),
            ]),
        );
        let line = |text: &str| table.lines().find(|line| line.contains(text)).unwrap().to_owned();
        assert!(line("0.7 times floor").ends_with("| 0.60 times | **no** |"), "{table}");
        assert!(line("5 times Node").ends_with("| 6.00 times | yes |"), "{table}");
    }

    #[test]
    fn a_limit_itself_is_reached_and_what_is_missing_is_said() {
        let values = [(Peer::Ours, Metric::Churn, 1.05), (Peer::Ours, Metric::LatencyTail, 1.0)];
        let table = table(&report::NOTIFICATIONS, &figures(&values));
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[8].ends_with("at most 1.050 | 1.050 | yes |"), "{table}");
        assert!(lines[5].ends_with("1.5 times floor | – | not measured |"), "{table}");
    }

    #[test]
    fn a_rate_must_be_at_least_the_promised_one() {
        let reached = |rate| {
            let table = table(&report::API, &figures(&[(Peer::Api, Metric::RelayRate, rate)]));
            table.lines().any(|line| line.contains("at least 20.0 k/s") && line.ends_with("| yes |"))
        };
        assert!(reached(20_000.0) && !reached(19_999.0));
    }
}
