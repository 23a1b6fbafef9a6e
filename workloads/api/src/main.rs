//! REST, Socket.IO and SSE in front of the notification path.
//!
//! ```text
//! POST -> store (row, event, outbox: one transaction) -> relay -> Kafka -> consumer -> feed -> tail -> engine -> SSE
//!                                                                                               \-> Socket.IO
//! ```

mod admission;
mod arguments;
mod body;
mod cache;
mod caller;
mod config;
mod console;
mod cursor;
mod documents;
mod draft;
mod error;
#[cfg(test)]
mod fake_redis;
mod feed;
mod figures;
mod fresh;
mod history;
mod idempotency;
mod metrics;
mod overview;
mod process;
mod relay;
mod resume;
mod router;
mod routes;
mod selection;
mod shard;
mod socketio;
mod state;
mod store;
mod tail;
mod token;

use arguments::{Arguments, Command};
use config::Config;
use documents::Document;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Arguments = realtime_chassis::config::parse_with_default("run");
    match arguments.command {
        Command::Run(config) => run(*config).await,
        Command::Token(options) => token::write(&options),
        Command::Openapi => Ok(documents::print(Document::OpenApi)?),
        Command::Asyncapi => Ok(documents::print(Document::AsyncApi)?),
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    realtime_chassis::tls::install_provider();
    let telemetry = realtime_chassis::telemetry::init(process::NAME, &config.telemetry)?;
    let outcome = process::run(config).await;
    telemetry.flush().await;
    outcome
}
