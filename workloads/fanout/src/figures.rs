//! The engine's numbers as other instances are told of them.

use realtime_contract::figures::{Connections, Counts};

use crate::{CloseReason, Path, Resume, Statistics};

/// The part of an instance's figures that its engine counts.
pub fn counts(statistics: &Statistics) -> Counts {
    let mut connections = Connections::default();
    for (path, numbers) in Path::ALL.iter().zip(&statistics.by_path) {
        let open = match path {
            Path::Raw | Path::Hyper => &mut connections.sse,
            Path::WebSocket => &mut connections.websocket,
            Path::Polling => &mut connections.polling,
        };
        *open += numbers.active;
    }
    let closed = CloseReason::ALL.iter().map(|reason| (reason.name().to_owned(), statistics.closed(*reason)));
    let resumed = Resume::ALL.iter().map(|resume| (resume.name().to_owned(), statistics.resumed(*resume)));
    Counts {
        connections,
        delivered: statistics.delivered(),
        published: 0,
        closed: closed.collect(),
        resumed: resumed.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_together_by_what_they_speak() {
        let mut statistics = Statistics::default();
        for (number, path) in (1..).zip(&mut statistics.by_path) {
            path.active = number;
            path.delivered = 10 * number;
            path.closed[CloseReason::Slow as usize] = number;
            path.resumed[Resume::ALL.len() - 1] = number;
        }
        let counts = counts(&statistics);
        assert_eq!(counts.connections, Connections { sse: 3, websocket: 3, polling: 4 });
        assert_eq!((counts.delivered, counts.published), (100, 0));
        assert_eq!((counts.closed["slow"], counts.closed["gone"]), (10, 0));
        assert_eq!(counts.closed.len(), CloseReason::ALL.len());
        let last = Resume::ALL[Resume::ALL.len() - 1].name();
        assert_eq!((counts.resumed[last], counts.resumed.len()), (10, Resume::ALL.len()));
    }
}
