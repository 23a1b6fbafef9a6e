//! All medians in one table.

use crate::figures::{Figures, Metric};
use crate::peer::Peer;

/// A Markdown table: a line for each metric, a column for each server that was measured.
pub(super) fn table(figures: &Figures) -> String {
    let peers: Vec<Peer> = Peer::ALL.into_iter().filter(|peer| figures.has(*peer)).collect();
    let titles: Vec<&str> = peers.iter().map(|peer| peer.title()).collect();
    let mut text = format!("| median | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(peers.len()));
    for metric in Metric::ALL {
        let values: Vec<Option<f64>> = peers.iter().map(|peer| figures.median(*peer, metric)).collect();
        if values.iter().any(Option::is_some) {
            let cell = |value: &Option<f64>| value.map_or_else(String::new, |value| metric.unit().text(value));
            let cells: Vec<String> = values.iter().map(cell).collect();
            text += &format!("| {} | {} |\n", metric.title(), cells.join(" | "));
        }
    }
    for failure in &figures.failures {
        let (scenario, peer, round, error) = (&failure.scenario, failure.peer.title(), failure.round, &failure.error);
        text += &format!("\nFailed in round {round}: {scenario} of {peer}: {error}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Failure, Measurement};

    #[test]
    fn has_a_column_for_each_server_that_was_measured_and_a_line_for_each_failure() {
        let one = |peer, metric, value| Measurement { round: 1, peer, metric, value };
        let figures = Figures {
            measurements: vec![
                one(Peer::Ours, Metric::IdleMemory, 2000.0),
                one(Peer::Floor, Metric::IdleMemory, 24.0),
                one(Peer::Ours, Metric::Churn, 1.01),
            ],
            failures: vec![Failure { round: 2, peer: Peer::Ours, scenario: "storm".into(), error: "no id".into() }],
        };
        assert_eq!(
            table(&figures),
            "| median | floor | realtime-notifications |\n|---|---|---|\n\
             | resident memory of an idle connection | 24 B | 2.00 KB |\n\
             | memory after 100,000 connections by that after 20,000 |  | 1.010 |\n\
             \nFailed in round 2: storm of realtime-notifications: no id\n"
        );
    }
}
