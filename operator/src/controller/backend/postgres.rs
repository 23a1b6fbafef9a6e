//! Postgres: one instance; one role for the workloads, whose password is the Secret's; the superuser only through the local socket.

use std::collections::BTreeMap;

use realtime_contract::{Component, database, environment, ports};
use realtime_crds::ManagedBackend;

use super::{Place, class, resources_or, size_or};
use crate::controller::stack::{CredentialKey, Readiness, Scratch, ValidatedBackend, Value, Volume};

/// Postgres' programs, in the official image and in Debian's packages alike.
const PROGRAMS: &str = "/usr/lib/postgresql/17/bin";

const ACCESS: &str = include_str!("postgres/pg_hba.conf");
const CONFIGURATION: &str = include_str!("postgres/postgresql.conf");
const ROLE: &str = include_str!("postgres/role.sql");
const START: &str = include_str!("postgres/start.sh");

/// Postgres of a stack.
pub fn postgres(place: &Place<'_>, settings: &ManagedBackend) -> ValidatedBackend {
    let program = |name: &str| format!("{PROGRAMS}/{name}");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    ValidatedBackend {
        component: Component::Postgres,
        image: place.image.to_owned(),
        user: 999,
        resources: resources_or(settings.resources.as_ref(), ("100m", "128Mi"), "512Mi"),
        volume: Volume { path: "/var/lib/postgresql/data", size: size_or(settings, "5Gi"), class: class(settings) },
        files: BTreeMap::from([
            ("pg_hba.conf".to_owned(), ACCESS.to_owned()),
            ("postgresql.conf".to_owned(), CONFIGURATION.to_owned()),
            ("role.sql".to_owned(), ROLE.to_owned()),
            ("start.sh".to_owned(), START.to_owned()),
        ]),
        environment: BTreeMap::from([
            (environment::POSTGRES_PASSWORD.to_owned(), Value::Credential(CredentialKey::Postgres)),
            ("POSTGRES_PROGRAMS".to_owned(), Value::Literal(PROGRAMS.to_owned())),
        ]),
        scratch: vec![
            Scratch { name: "run", path: "/var/run/postgresql", memory: true },
            Scratch { name: "tmp", path: "/tmp", memory: false },
            Scratch { name: "shm", path: "/dev/shm", memory: true },
        ],
        ports: vec![("postgres", ports::POSTGRES)],
        readiness: Readiness::Command(words(&[
            &program("pg_isready"),
            "--quiet",
            "--host=127.0.0.1",
            &format!("--dbname={}", database::DATABASE),
        ])),
        before_stop: Some(words(&[
            &program("pg_ctl"),
            "stop",
            "--pgdata=/var/lib/postgresql/data/pgdata",
            "--mode=fast",
        ])),
        grace_seconds: 90,
    }
}
