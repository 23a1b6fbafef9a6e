//! Images of Redis, Kafka and Postgres for clusters that cannot pull the official ones. Paths and user ids are those of
//! the official images.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Image;
use super::archive::{self, Process};
use crate::cache::Cache;
use crate::{command, repository};

/// What is built, and how it is started when nothing else is said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backend {
    /// Name of image and script.
    pub(crate) name: &'static str,
    inputs: &'static [&'static str],
    process: Process<'static>,
}

const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The three backends.
pub(crate) const BACKENDS: [Backend; 3] = [
    Backend {
        name: "redis",
        inputs: &["redis", "rootfs"],
        process: Process {
            user: "999:999",
            entrypoint: &["redis-server"],
            environment: &[DEFAULT_PATH, "LANG=C.UTF-8"],
        },
    },
    Backend {
        name: "kafka",
        inputs: &["kafka", "kafka.xml", "rootfs"],
        process: Process {
            user: "1000:1000",
            entrypoint: &["java", "-cp", "/opt/kafka/libs/*", "kafka.Kafka"],
            environment: &[DEFAULT_PATH, "LANG=C.UTF-8"],
        },
    },
    Backend {
        name: "postgres",
        inputs: &["postgres", "rootfs"],
        process: Process {
            user: "999:999",
            entrypoint: &["/usr/lib/postgresql/17/bin/postgres"],
            environment: &[
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/17/bin",
                "LANG=C.UTF-8",
            ],
        },
    },
];

/// Name and place of the backend's image, by what it is built from.
pub(crate) fn image(cache: &Cache, backend: &Backend) -> Result<Image> {
    Ok(Image::new(&cache.images(), backend.name, &content_key(&scripts(), backend)?))
}

/// Builds it.
pub(crate) fn build(cache: &Cache, backend: &Backend, image: &Image) -> Result<()> {
    let log = cache.logs().join(format!("image-{}.log", backend.name));
    archive::create(image, backend.process, |layer| {
        command::run(command::new(scripts().join(backend.name)).arg(layer), &log)
    })
}

fn scripts() -> PathBuf {
    repository::root().join("dev/images")
}

fn content_key(scripts: &Path, backend: &Backend) -> Result<String> {
    let mut texts = Vec::new();
    for input in backend.inputs {
        let path = scripts.join(input);
        texts.push(fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?);
    }
    archive::content_key(backend.process, &texts.iter().map(String::as_str).collect::<Vec<_>>())
}
