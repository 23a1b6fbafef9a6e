//! The command line.

use clap::{Parser, Subcommand};

use crate::{config::Config, token::TokenOptions};

/// REST, Socket.IO and SSE in front of the notification path
#[derive(Debug, Parser)]
#[command(name = "realtime-api", version)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the binary does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve until told to end (the default)
    Run(Box<Config>),
    /// Write a token that this stack takes, signed with its secret
    Token(Box<TokenOptions>),
    /// Write the OpenAPI document of the REST interface
    Openapi,
    /// Write the AsyncAPI document of the streams and of Socket.IO
    Asyncapi,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
