//! Configuration: fragments of command lines to flatten into a binary's own, each option with its environment variable.

mod backends;
mod kafka;
mod process;
mod secret;
mod streams;

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{Arg, Command, Parser};

pub use backends::{PostgresConfig, RedisConfig};
pub use kafka::{KafkaConfig, KafkaIdentity, KafkaTls, KafkaUser, SaslMechanism};
pub use process::{LogFormat, OpsConfig, ReportConfig, ShutdownConfig, TelemetryConfig};
pub use secret::Secret;
pub use streams::StreamConfig;

/// Reads arguments and environment; an empty variable counts as unset. On an error it says which option and variable is missing or
/// malformed, and ends the process with code 2.
pub fn parse<A: Parser>() -> A {
    parse_from(std::env::args_os().collect())
}

/// [`parse`] for a binary with subcommands, of which one is meant when none is named.
pub fn parse_with_default<A: Parser>(subcommand: &str) -> A {
    parse_from(with_default(std::env::args_os().collect(), subcommand))
}

fn parse_from<A: Parser>(arguments: Vec<OsString>) -> A {
    let matches = without_empty_variables(A::command()).get_matches_from(arguments);
    A::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Names the subcommand where the first argument is an option or missing; questions about the binary itself stay as they are.
fn with_default(mut arguments: Vec<OsString>, subcommand: &str) -> Vec<OsString> {
    let first = arguments.get(1).map(|argument| argument.to_string_lossy().into_owned());
    let is_question = matches!(first.as_deref(), Some("-h" | "--help" | "-V" | "--version"));
    if !is_question && first.is_none_or(|argument| argument.starts_with('-')) {
        arguments.insert(arguments.len().min(1), subcommand.into());
    }
    arguments
}

/// The command with each option's variable forgotten when it is set to nothing.
fn without_empty_variables(command: Command) -> Command {
    command.mut_args(without_empty_variable).mut_subcommands(without_empty_variables)
}

fn without_empty_variable(argument: Arg) -> Arg {
    let is_empty = argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    if is_empty { argument.env(Resettable::Reset) } else { argument }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(arguments: &[&str]) -> Vec<OsString> {
        with_default(arguments.iter().map(OsString::from).collect(), "run")
    }

    #[test]
    fn the_default_subcommand_stands_in_for_a_missing_one() {
        assert_eq!(completed(&["consumer"]), ["consumer", "run"]);
        assert_eq!(completed(&["consumer", "--ops-port=1"]), ["consumer", "run", "--ops-port=1"]);
    }

    #[test]
    fn a_named_subcommand_and_a_question_stay() {
        assert_eq!(completed(&["consumer", "prepare"]), ["consumer", "prepare"]);
        assert_eq!(completed(&["consumer", "--help"]), ["consumer", "--help"]);
    }

    #[test]
    fn an_empty_variable_is_forgotten_and_a_set_one_stays() {
        let argument = |name: &'static str| without_empty_variable(Arg::new("x").env(name));
        // Cargo sets both for tests: the first is empty, the second is not.
        assert_eq!(std::env::var("CARGO_PKG_HOMEPAGE").as_deref(), Ok(""));
        assert_eq!(argument("CARGO_PKG_HOMEPAGE").get_env(), None);
        assert!(argument("CARGO_PKG_NAME").get_env().is_some());
    }
}
