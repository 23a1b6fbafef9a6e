//! The board's state, and what follows from it.

use realtime_contract::readiness::DependencyState;
use serde::Serialize;
use tokio::sync::watch;

/// How far a process has come by itself, apart from its dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its own start is not over.
    Starting,
    /// It does its work.
    Started,
    /// It ends.
    Draining,
}

/// What is known of one dependency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// Its component's name.
    pub name: &'static str,
    /// What the last check said.
    pub state: DependencyState,
    /// Whether a check has ever found it serving.
    #[serde(skip)]
    pub answered: bool,
}

/// The board at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The process itself.
    pub phase: Phase,
    /// Its dependencies, in the order given to [`Board::new`].
    pub dependencies: Vec<Dependency>,
}

impl Snapshot {
    /// What `/readyz` says: started, each dependency has answered once, and not draining. A dependency that goes away later does not
    /// change it, so a backend's outage never takes all replicas out of the Service at once.
    pub fn is_serving(&self) -> bool {
        self.phase == Phase::Started && self.dependencies.iter().all(|dependency| dependency.answered)
    }

    /// Whether each dependency was checked at least once.
    pub fn is_known(&self) -> bool {
        self.dependencies.iter().all(|dependency| dependency.state != DependencyState::Unknown)
    }

    /// Takes a check's result in; whether anything changed.
    fn note(&mut self, name: &str, state: DependencyState) -> bool {
        let Some(dependency) = self.dependencies.iter_mut().find(|dependency| dependency.name == name) else {
            return false;
        };
        let changed = dependency.state != state;
        dependency.state = state;
        dependency.answered |= state.is_ready();
        changed
    }
}

/// Shared by checkers (write), ops server and report (read).
#[derive(Clone, Debug)]
pub struct Board(watch::Sender<Snapshot>);

impl Board {
    /// A board whose dependencies are all unknown; the process is starting.
    pub fn new(names: &[&'static str]) -> Self {
        let unknown = |name: &&'static str| Dependency { name, state: DependencyState::Unknown, answered: false };
        Self(watch::Sender::new(Snapshot { phase: Phase::Starting, dependencies: names.iter().map(unknown).collect() }))
    }

    /// The process' own start is over.
    pub fn started(&self) {
        self.set_phase(Phase::Started);
    }

    /// The process ends.
    pub fn draining(&self) {
        self.set_phase(Phase::Draining);
    }

    fn set_phase(&self, phase: Phase) {
        // A start that ends after the drain began does not undo it.
        self.0.send_if_modified(|snapshot| {
            let changes = snapshot.phase != phase && snapshot.phase != Phase::Draining;
            if changes {
                snapshot.phase = phase;
            }
            changes
        });
    }

    /// Takes a check's result in. A name that the board does not have is ignored.
    pub fn set(&self, name: &str, state: DependencyState) {
        self.0.send_if_modified(|snapshot| snapshot.note(name, state));
    }

    /// The state of one dependency; unknown for a name that the board does not have.
    pub fn state(&self, name: &str) -> DependencyState {
        let snapshot = self.0.borrow();
        let found = snapshot.dependencies.iter().find(|dependency| dependency.name == name);
        found.map_or(DependencyState::Unknown, |dependency| dependency.state)
    }

    /// The board now.
    pub fn snapshot(&self) -> Snapshot {
        self.0.borrow().clone()
    }

    /// The board and its changes.
    pub fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_only_after_start_and_an_answer_of_each_dependency() {
        let board = Board::new(&["redis", "kafka"]);
        board.set("redis", DependencyState::Ready);
        board.started();
        assert!(!board.snapshot().is_serving());
        board.set("kafka", DependencyState::Ready);
        assert!(board.snapshot().is_serving());
    }

    #[test]
    fn keeps_serving_when_a_dependency_goes_away() {
        let board = Board::new(&["kafka"]);
        board.set("kafka", DependencyState::Ready);
        board.started();
        board.set("kafka", DependencyState::Unreachable);
        let snapshot = board.snapshot();
        assert!(snapshot.is_serving() && !snapshot.dependencies[0].state.is_ready());
    }

    #[test]
    fn a_dependency_that_only_refuses_has_not_answered() {
        let board = Board::new(&["kafka"]);
        board.started();
        board.set("kafka", DependencyState::Denied);
        let snapshot = board.snapshot();
        assert!(snapshot.is_known() && !snapshot.is_serving());
    }

    #[test]
    fn draining_is_final() {
        let board = Board::new(&[]);
        board.started();
        board.draining();
        board.started();
        assert_eq!(board.snapshot().phase, Phase::Draining);
        assert!(!board.snapshot().is_serving());
    }

    #[test]
    fn wakes_subscribers_only_for_changes() {
        let board = Board::new(&["redis"]);
        let mut changes = board.subscribe();
        board.set("redis", DependencyState::Ready);
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        board.set("redis", DependencyState::Ready);
        assert!(!changes.has_changed().unwrap());
    }
}
