//! What was measured, and medians and ratios of it.

use serde::{Deserialize, Serialize};

use crate::peer::Peer;

/// What is measured of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Metric {
    /// Resident memory of an idle connection
    IdleMemory,
    /// The same, counted as proportional set size
    IdleMemoryProportional,
    /// Resident memory of a connection after events went through it
    UsedMemory,
    /// Time from the production of an event to its arrival at the last client
    LastDelivery,
    /// Deliveries for each second of processor time, saturated
    DeliveriesPerCpuSecond,
    /// Deliveries for each second of the clock, saturated
    DeliveriesPerSecond,
    /// Deliveries for each second of processor time of the server and of what works for it
    DeliveriesPerCpuSecondOfAll,
    /// Bytes on the wire for each delivery
    BytesPerDelivery,
    /// Time from production to arrival, half of the deliveries
    LatencyMedian,
    /// Time from production to arrival, 99 of 100 deliveries
    LatencyTail,
    /// Time from the POST to the frame, half of the deliveries
    PostMedian,
    /// Time from the POST to the frame, 99 of 100 deliveries
    PostTail,
    /// Records of the outbox that Kafka has taken, for each second
    RelayRate,
    /// Reads of the cached list for each second of processor time
    ReadsPerCpuSecond,
    /// The same for each second of the clock
    ReadsPerSecond,
    /// Time from the request to its answer, half of the reads
    ReadMedian,
    /// Time from the request to its answer, 99 of 100 reads
    ReadTail,
    /// POSTs for each second of processor time, until they have gone their way
    WritesPerCpuSecond,
    /// POSTs that were answered for each second of the clock
    WritesPerSecond,
    /// Time from the request to its answer, half of the POSTs
    WriteMedian,
    /// Time from the request to its answer, 99 of 100 POSTs
    WriteTail,
    /// Longest time from connecting to the first frame while all others come back
    NewcomerInStorm,
    /// The same before the others come back
    NewcomerInCalm,
    /// Time until all others had what they missed
    Storm,
    /// Resident memory after many connections came and went, as a multiple of that after a fifth of these
    Churn,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes, in powers of 1000.
    Bytes,
    /// A number for each second.
    Rate,
    /// Milliseconds.
    Milliseconds,
    /// A multiple.
    Multiple,
}

impl Metric {
    /// All, in the order of the table.
    pub(crate) const ALL: [Self; 25] = [
        Self::IdleMemory,
        Self::IdleMemoryProportional,
        Self::UsedMemory,
        Self::DeliveriesPerCpuSecond,
        Self::DeliveriesPerCpuSecondOfAll,
        Self::DeliveriesPerSecond,
        Self::BytesPerDelivery,
        Self::LatencyMedian,
        Self::LatencyTail,
        Self::PostMedian,
        Self::PostTail,
        Self::RelayRate,
        Self::ReadsPerCpuSecond,
        Self::ReadsPerSecond,
        Self::ReadMedian,
        Self::ReadTail,
        Self::WritesPerCpuSecond,
        Self::WritesPerSecond,
        Self::WriteMedian,
        Self::WriteTail,
        Self::LastDelivery,
        Self::NewcomerInCalm,
        Self::NewcomerInStorm,
        Self::Storm,
        Self::Churn,
    ];

    /// Its line in the table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::IdleMemory => "resident memory of an idle connection",
            Self::IdleMemoryProportional => "the same by proportional set size",
            Self::UsedMemory => "resident memory of a connection after 20 events",
            Self::LastDelivery => "last delivery of an event to 8,000 subscribers",
            Self::DeliveriesPerCpuSecond => "saturated: deliveries per CPU-second",
            Self::DeliveriesPerCpuSecondOfAll => "the same, with the processes behind the server",
            Self::DeliveriesPerSecond => "saturated: deliveries per second",
            Self::BytesPerDelivery => "saturated: bytes per delivery",
            Self::LatencyMedian => "delivery to 1,000 subscribers, median",
            Self::LatencyTail => "delivery to 1,000 subscribers, p99",
            Self::PostMedian => "from the POST to the frame, median",
            Self::PostTail => "from the POST to the frame, p99",
            Self::RelayRate => "records through the relay",
            Self::ReadsPerCpuSecond => "cached list: reads per CPU-second",
            Self::ReadsPerSecond => "cached list: reads per second",
            Self::ReadMedian => "cached list: answer, median",
            Self::ReadTail => "cached list: answer, p99",
            Self::WritesPerCpuSecond => "POSTs per CPU-second",
            Self::WritesPerSecond => "POSTs per second",
            Self::WriteMedian => "POST: answer, median",
            Self::WriteTail => "POST: answer, p99",
            Self::NewcomerInStorm => "worst new connection while 8,000 come back",
            Self::NewcomerInCalm => "worst new connection in calm",
            Self::Storm => "until 8,000 that came back had all they missed",
            Self::Churn => "memory after 100,000 connections by that after 20,000",
        }
    }

    /// Whether it is one of requests and answers, not of streams.
    pub(crate) const fn is_rest(self) -> bool {
        matches!(
            self,
            Self::ReadsPerCpuSecond
                | Self::ReadsPerSecond
                | Self::ReadMedian
                | Self::ReadTail
                | Self::WritesPerCpuSecond
                | Self::WritesPerSecond
                | Self::WriteMedian
                | Self::WriteTail
        )
    }

    /// How its values are written.
    pub(crate) const fn unit(self) -> Unit {
        match self {
            Self::IdleMemory | Self::IdleMemoryProportional | Self::UsedMemory | Self::BytesPerDelivery => Unit::Bytes,
            Self::DeliveriesPerCpuSecond
            | Self::DeliveriesPerCpuSecondOfAll
            | Self::DeliveriesPerSecond
            | Self::ReadsPerCpuSecond
            | Self::ReadsPerSecond
            | Self::WritesPerCpuSecond
            | Self::WritesPerSecond
            | Self::RelayRate => Unit::Rate,
            Self::Churn => Unit::Multiple,
            Self::LatencyMedian
            | Self::LatencyTail
            | Self::PostMedian
            | Self::PostTail
            | Self::ReadMedian
            | Self::ReadTail
            | Self::WriteMedian
            | Self::WriteTail
            | Self::LastDelivery
            | Self::NewcomerInStorm
            | Self::NewcomerInCalm
            | Self::Storm => Unit::Milliseconds,
        }
    }
}

impl Unit {
    /// The value as people read it.
    pub(crate) fn text(self, value: f64) -> String {
        match self {
            Self::Bytes if value.abs() < 1000.0 => format!("{value:.0} B"),
            Self::Bytes => format!("{:.2} KB", value / 1000.0),
            Self::Rate if value < 100_000.0 => format!("{:.1} k/s", value / 1000.0),
            Self::Rate if value < 1_000_000.0 => format!("{:.0} k/s", value / 1000.0),
            Self::Rate => format!("{:.2} M/s", value / 1_000_000.0),
            Self::Milliseconds if value < 10.0 => format!("{value:.2} ms"),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::Multiple => format!("{value:.3}"),
        }
    }
}

/// One value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) round: usize,
    pub(crate) peer: Peer,
    pub(crate) metric: Metric,
    pub(crate) value: f64,
}

/// A measurement that failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) round: usize,
    pub(crate) peer: Peer,
    pub(crate) scenario: String,
    pub(crate) error: String,
}

/// All values of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) failures: Vec<Failure>,
}

impl Figures {
    /// The value of one round.
    pub(crate) fn value(&self, round: usize, peer: Peer, metric: Metric) -> Option<f64> {
        let found = self.measurements.iter().rfind(|one| (one.round, one.peer, one.metric) == (round, peer, metric));
        found.map(|one| one.value)
    }

    /// The median of all rounds.
    pub(crate) fn median(&self, peer: Peer, metric: Metric) -> Option<f64> {
        median(self.rounds().filter_map(|round| self.value(round, peer, metric)).collect())
    }

    /// The median of what `ratio` makes of each round.
    pub(crate) fn median_of(&self, ratio: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        median(self.rounds().filter_map(ratio).collect())
    }

    /// Whether there is any value of that server.
    pub(crate) fn has(&self, peer: Peer) -> bool {
        self.measurements.iter().any(|one| one.peer == peer)
    }

    fn rounds(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.measurements.iter().map(|one| one.round).max().unwrap_or(0)
    }
}

/// Of an even number of values, the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(values[middle - 1], upper)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let mut figures = Figures::default();
        for (round, ours, floor) in [(1, 1.0, 2.0), (2, 9.0, 10.0), (3, 6.0, 8.0)] {
            let metric = Metric::LatencyTail;
            figures.measurements.push(Measurement { round, peer: Peer::Ours, metric, value: ours });
            figures.measurements.push(Measurement { round, peer: Peer::Floor, metric, value: floor });
        }
        let value = |round, peer| figures.value(round, peer, Metric::LatencyTail);
        assert_eq!(figures.median_of(|round| Some(value(round, Peer::Ours)? / value(round, Peer::Floor)?)), Some(0.75));
        assert_eq!(figures.median(Peer::Ours, Metric::LatencyTail), Some(6.0));
        assert_eq!(figures.median(Peer::Node, Metric::LatencyTail), None);
    }

    #[test]
    fn values_are_written_with_their_units() {
        assert_eq!(Unit::Bytes.text(2049.0), "2.05 KB");
        assert_eq!(Unit::Bytes.text(312.4), "312 B");
        assert_eq!(Unit::Rate.text(212_400.0), "212 k/s");
        assert_eq!(Unit::Rate.text(19_960.0), "20.0 k/s");
        assert_eq!(Unit::Rate.text(1_250_000.0), "1.25 M/s");
        assert_eq!(Unit::Milliseconds.text(7.256), "7.26 ms");
        assert_eq!(Unit::Milliseconds.text(49.9), "50 ms");
        assert_eq!(Unit::Multiple.text(1.0333), "1.033");
    }
}
