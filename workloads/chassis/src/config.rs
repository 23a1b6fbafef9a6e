//! Configuration: fragments of command lines to flatten into a binary's own, each option with its environment variable.

mod backends;
mod process;
mod secret;

use clap::builder::Resettable;
use clap::{Arg, Command, Parser};

pub use backends::{KafkaConfig, PostgresConfig, RedisConfig};
pub use process::{LogFormat, OpsConfig, ReportConfig, ShutdownConfig, TelemetryConfig};
pub use secret::Secret;

/// Reads arguments and environment; an empty variable counts as unset. On an error it says which option and variable is missing or
/// malformed, and ends the process with code 2.
pub fn parse<A: Parser>() -> A {
    let matches = without_empty_variables(A::command()).get_matches();
    A::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The command with each option's variable forgotten when it is set to nothing.
fn without_empty_variables(command: Command) -> Command {
    command.mut_args(without_empty_variable).mut_subcommands(without_empty_variables)
}

fn without_empty_variable(argument: Arg) -> Arg {
    let is_empty = argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    if is_empty { argument.env(Resettable::Reset) } else { argument }
}
