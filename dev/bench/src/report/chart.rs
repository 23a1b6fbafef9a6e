//! The chart: bars of some metrics. It has no ground, and its colours are readable on light and dark.

use super::Page;
use crate::figures::{Figures, Metric};
use crate::peer::Peer;

const WIDTH: f64 = 760.0;
const LABELS: f64 = 170.0;
const VALUES: f64 = 90.0;
const BAR: f64 = 18.0;
const STEP: f64 = 24.0;
const TITLE: f64 = 30.0;
const GAP: f64 = 22.0;

/// An SVG picture of the medians.
pub(super) fn draw(page: &Page, figures: &Figures) -> String {
    let mut body = String::new();
    let mut top = 0.0;
    for &(metric, direction) in page.panels {
        let bars = Peer::ALL.into_iter().filter_map(|peer| Some((peer, figures.median(peer, metric)?)));
        let bars: Vec<(Peer, f64)> = bars.collect();
        if !bars.is_empty() {
            let title = format!("{} ({direction})", metric.title());
            top = panel(&mut body, top, &title, metric, page.ours, &bars);
        }
    }
    let height = (top - GAP).max(1.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n\
         <title>Medians of the servers</title>\n\
         <style>text{{fill:#57606a}}.title{{font-weight:600}}.peer{{fill:#8c959f}}.ours{{fill:#1a7f64}}\
         @media(prefers-color-scheme:dark){{text{{fill:#b1bac4}}.ours{{fill:#2ea98a}}}}</style>\n{body}</svg>\n"
    )
}

/// Appends one panel and gives where the next one begins.
fn panel(body: &mut String, top: f64, title: &str, metric: Metric, ours: Peer, bars: &[(Peer, f64)]) -> f64 {
    *body += &format!("<text class=\"title\" x=\"0\" y=\"{}\">{title}</text>\n", top + 16.0);
    let longest = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let mut y = top + TITLE;
    for (peer, value) in bars {
        let share = if longest > 0.0 { value.max(0.0) / longest } else { 0.0 };
        let width = (share * (WIDTH - LABELS - VALUES)).max(1.0);
        let class = if *peer == ours { "ours" } else { "peer" };
        let (line, end, text) = (y + 14.0, LABELS + width + 6.0, metric.unit().text(*value));
        *body += &format!("<text x=\"{}\" y=\"{line}\" text-anchor=\"end\">{}</text>", LABELS - 8.0, peer.title());
        *body += &format!(
            "<rect class=\"{class}\" x=\"{LABELS}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>"
        );
        *body += &format!("<text x=\"{end:.1}\" y=\"{line}\">{text}</text>\n");
        y += STEP;
    }
    y + GAP
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Measurement;
    use crate::report::NOTIFICATIONS;

    #[test]
    fn the_longest_bar_fills_its_room_and_the_others_are_in_proportion() {
        let one = |peer, value| Measurement { round: 1, peer, metric: Metric::LatencyTail, value };
        let figures =
            Figures { measurements: vec![one(Peer::Floor, 5.0), one(Peer::Ours, 10.0)], failures: Vec::new() };
        let svg = draw(&NOTIFICATIONS, &figures);
        assert_eq!(svg.matches("<rect").count(), 2, "{svg}");
        assert!(svg.contains("<rect class=\"peer\" x=\"170\" y=\"30\" width=\"250.0\""), "{svg}");
        assert!(svg.contains("<rect class=\"ours\" x=\"170\" y=\"54\" width=\"500.0\""), "{svg}");
        assert!(svg.contains(">10 ms</text>") && svg.contains("p99 (less is better)"), "{svg}");
    }

    #[test]
    fn nothing_measured_is_an_empty_picture() {
        assert!(!draw(&NOTIFICATIONS, &Figures::default()).contains("<rect"));
    }
}
