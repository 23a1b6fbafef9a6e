//! Images without a registry: archives in the cache, tagged by what is in them.

pub(crate) mod archive;
pub(crate) mod backend;
pub(crate) mod helper;
pub(crate) mod import;
pub(crate) mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

/// Archives of an image that are kept beside the one in use: those of other checkouts.
const KEPT: usize = 3;

/// An archive that a container runtime can load, and the name that its image then has.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Last part of the image's name.
    pub(crate) name: String,
    /// Full name with tag.
    pub(crate) reference: String,
    /// File in the `docker save` format.
    pub(crate) archive: PathBuf,
}

impl Image {
    /// The image of that name and content key, with its archive in that folder.
    pub(crate) fn new(folder: &Path, name: &str, key: &str) -> Self {
        Self {
            name: name.to_owned(),
            reference: format!("realtime.local/{name}:{key}"),
            archive: folder.join(format!("{name}-{key}.tar")),
        }
    }
}

/// Removes archives that newer ones of the same names have replaced.
pub(crate) fn remove_old(folder: &Path, current: &[Image]) -> Result<()> {
    for image in current {
        let prefix = format!("{}-", image.name);
        let mut others = Vec::new();
        for entry in fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))? {
            let entry = entry.with_context(|| format!("failed to list {}", folder.display()))?;
            let is_other = entry.path() != image.archive && entry.file_name().to_string_lossy().starts_with(&prefix);
            if is_other {
                let written = entry.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
                others.push((written, entry.path()));
            }
        }
        others.sort();
        let surplus = others.len().saturating_sub(KEPT);
        for (_, path) in &others[..surplus] {
            fs::remove_file(path).with_context(|| format!("failed to remove {}", path.display()))?;
        }
    }
    Ok(())
}
