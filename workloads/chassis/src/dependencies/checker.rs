//! Tasks that keep the board true.

use std::time::Duration;

use realtime_contract::readiness::DependencyState;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Board;

/// Between two checks of a dependency.
const INTERVAL: Duration = Duration::from_secs(2);
/// Before a failed check of a dependency that served is confirmed: a reconnect must not look like an outage.
const CONFIRM_AFTER: Duration = Duration::from_secs(1);
/// How long a check may take. A client that says by itself after 2 s that nothing answers makes an absence known within 7 s.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Checks one dependency again and again until the token is cancelled, and writes each result to the board.
pub fn watch<C, F>(board: Board, name: &'static str, check: C, token: CancellationToken) -> JoinHandle<()>
where
    C: Fn() -> F + Send + 'static,
    F: Future<Output = DependencyState> + Send + 'static,
{
    tokio::spawn(async move {
        token.run_until_cancelled(check_forever(&board, name, check)).await;
    })
}

async fn check_forever<C, F>(board: &Board, name: &'static str, check: C)
where
    C: Fn() -> F,
    F: Future<Output = DependencyState>,
{
    let mut known = DependencyState::Unknown;
    loop {
        let mut state = bounded(check()).await;
        if known.is_ready() && !state.is_ready() {
            sleep(CONFIRM_AFTER).await;
            state = bounded(check()).await;
        }
        if state != known {
            log_change(name, state);
            board.set(name, state);
            known = state;
        }
        sleep(INTERVAL).await;
    }
}

async fn bounded(check: impl Future<Output = DependencyState>) -> DependencyState {
    timeout(CHECK_TIMEOUT, check).await.unwrap_or(DependencyState::TimedOut)
}

fn log_change(dependency: &'static str, state: DependencyState) {
    let name = product(dependency);
    if state.is_ready() {
        info!(dependency, "{name} answers");
    } else {
        warn!(dependency, state = ?state, "{name} {}", state.message());
    }
}

/// What people call it.
fn product(dependency: &str) -> &str {
    match dependency {
        "postgres" => "postgresql",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_log_says_of_each_backend_by_name_whether_it_answers() {
        let output = Output::default();
        let written = output.clone();
        let format = tracing_subscriber::fmt().json().without_time().with_target(false);
        let subscriber = format.with_writer(move || output.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            log_change("redis", DependencyState::Ready);
            log_change("postgres", DependencyState::Ready);
            log_change("postgres", DependencyState::Unreachable);
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let fields =
            lines.iter().map(|line| (&line["level"], &line["fields"]["dependency"], &line["fields"]["message"]));
        let away = format!("postgresql {}", DependencyState::Unreachable.message());
        let expected = [
            [json!("INFO"), json!("redis"), json!("redis answers")],
            [json!("INFO"), json!("postgres"), json!("postgresql answers")],
            [json!("WARN"), json!("postgres"), json!(away)],
        ];
        assert!(fields.eq(expected.iter().map(|[level, name, message]| (level, name, message))), "{text}");
    }

    async fn states_seen(script: &'static [DependencyState], wanted: usize) -> Vec<DependencyState> {
        let board = Board::new(&["kafka"]);
        let mut changes = board.subscribe();
        let calls = Arc::new(AtomicUsize::new(0));
        let check = move || {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            async move { script[call.min(script.len() - 1)] }
        };
        let token = CancellationToken::new();
        let task = watch(board.clone(), "kafka", check, token.clone());
        let mut seen = Vec::new();
        while seen.len() < wanted {
            changes.changed().await.unwrap();
            seen.push(board.state("kafka"));
        }
        token.cancel();
        task.await.unwrap();
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_failed_check_is_no_outage() {
        use DependencyState::{Denied, Ready, Unreachable};
        let script = &[Ready, Unreachable, Ready, Denied, Denied];
        assert_eq!(states_seen(script, 2).await, [Ready, Denied]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_confirmed_outage_and_the_return_are_seen() {
        use DependencyState::{Ready, Unreachable};
        let script = &[Ready, Unreachable, Unreachable, Ready];
        assert_eq!(states_seen(script, 3).await, [Ready, Unreachable, Ready]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_times_out() {
        let board = Board::new(&["kafka"]);
        let mut changes = board.subscribe();
        let token = CancellationToken::new();
        let task = watch(board.clone(), "kafka", std::future::pending, token.clone());
        changes.changed().await.unwrap();
        assert_eq!(board.state("kafka"), DependencyState::TimedOut);
        token.cancel();
        task.await.unwrap();
    }
}
