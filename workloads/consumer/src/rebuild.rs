//! Compares the table `notifications` with what the history in `events` leads to, and mends it when told so.
//!
//! ```text
//! events, in their order ─► past (a fold) ─► difference ─► a line of JSON
//! notifications ───────────────────────────────┘    └─► repair, one notification a transaction
//! ```

mod difference;
mod past;
mod reading;
mod repair;
mod report;

use std::io;
use std::process::ExitCode;

use realtime_chassis::postgres::{self, session};
use thiserror::Error as ThisError;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::arguments::RebuildArguments;
use difference::compare;
use reading::{Known, Reader};
use report::Report;

/// Name towards Postgres.
const NAME: &str = "realtime-consumer-rebuild";

/// Exit code of a run that could not finish. That of one that found differences is 1.
const UNFINISHED: u8 = 2;

/// The comparison did not come to its end.
#[derive(Debug, ThisError)]
pub(crate) enum Error {
    /// No session.
    #[error("failed to open a session for the comparison")]
    OpenSession {
        /// The reason.
        #[source]
        source: postgres::Error,
    },
    /// A statement failed.
    #[error("failed to read notifications and their events")]
    Read {
        /// The client's or the server's reason.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A column of type json has none.
    #[error("failed to decode the data of notification {id}")]
    DecodeData {
        /// The notification.
        id: Uuid,
        /// Why.
        source: serde_json::Error,
    },
    /// An event has no form in JSON.
    #[error("failed to encode the creation of notification {id}")]
    EncodeEvent {
        /// The notification.
        id: Uuid,
        /// Why.
        source: serde_json::Error,
    },
    /// A notification could not be mended; it is as before.
    #[error("failed to repair notification {id}")]
    Repair {
        /// The notification.
        id: Uuid,
        /// The client's or the server's reason.
        source: tokio_postgres::Error,
    },
    /// Nobody reads the lines.
    #[error("failed to write a line")]
    WriteLine {
        /// The reason.
        #[source]
        source: io::Error,
    },
}

impl Error {
    const fn reading(source: tokio_postgres::Error) -> Self {
        Self::Read { source }
    }
}

/// Compares, and repairs if told so. Lines of differences and the summary go to stdout, progress and failures to stderr; there is no log.
/// The exit code is 0 when rows and histories are equal at the end, 1 when differences are left, 2 when it could not finish.
pub(crate) async fn rebuild(arguments: &RebuildArguments) -> ExitCode {
    match compare_all(arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {:#}", anyhow::Error::from(error));
            ExitCode::from(UNFINISHED)
        }
    }
}

/// Whether all are equal at the end.
async fn compare_all(arguments: &RebuildArguments) -> Result<bool, Error> {
    let opened = session(&arguments.postgres, NAME).await;
    let mut client = opened.map_err(|source| Error::OpenSession { source })?.client;
    let reader = Reader::prepare(&client).await?;
    let mut report = Report::begin(estimate(&client).await?);
    let mut from = Some(Uuid::nil());
    while let Some(first) = from {
        let batch = reader.batch(&mut client, first).await?;
        from = batch.keys().next_back().and_then(|last| last.as_u128().checked_add(1)).map(Uuid::from_u128);
        for (id, known) in batch {
            one(&mut client, &reader, &mut report, arguments.write, id, &known).await?;
        }
        if let Some(next) = from {
            report.progress(next);
        }
    }
    report.end()
}

async fn one(
    client: &mut Client,
    reader: &Reader,
    report: &mut Report,
    write: bool,
    id: Uuid,
    known: &Known,
) -> Result<(), Error> {
    report.count(known.events);
    let differences = compare(known.row.as_ref(), &known.past);
    if differences.is_empty() {
        return Ok(());
    }
    let left = if write { Some(repair::repair(client, reader, id).await?) } else { None };
    differences.iter().try_for_each(|difference| report.tell(id, difference, left.as_deref()))
}

/// About how many notifications there are, as Postgres' statistics have it.
async fn estimate(client: &Client) -> Result<i64, Error> {
    let statement = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'notifications'::regclass";
    Ok(client.query_one(statement, &[]).await.map_err(Error::reading)?.get(0))
}
