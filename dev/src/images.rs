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

use crate::cache;

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

/// Removes archives that newer ones of the same names have replaced, and what interrupted builds left. Callers hold the
/// lock of the builds, so that nothing half built belongs to a run that goes on.
pub(crate) fn remove_old(folder: &Path, current: &[Image]) -> Result<()> {
    for name in names(folder)?.iter().filter(|name| cache::is_partial(name)) {
        cache::remove(&folder.join(name))?;
    }
    for image in current {
        let mut others = Vec::new();
        for name in names(folder)?.iter().filter(|name| is_archive_of(&image.name, name)) {
            let path = folder.join(name);
            if path != image.archive {
                let data = fs::metadata(&path).and_then(|data| data.modified());
                others.push((data.unwrap_or(SystemTime::UNIX_EPOCH), path));
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

fn is_archive_of(image: &str, file: &str) -> bool {
    file.strip_prefix(image).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".tar"))
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()
        .with_context(|| format!("failed to list {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    #[test]
    fn keeps_the_newest_archives_and_nothing_half_built() {
        let folder = Cache::open().unwrap().root().join(format!("images-test-{}", std::process::id()));
        fs::create_dir_all(folder.join("x-9.tar.part-1-work")).unwrap();
        let image = Image::new(&folder, "x", "0");
        for (age, key) in ["0", "1", "2", "3", "4", "5"].iter().enumerate() {
            let file = fs::File::create(folder.join(format!("x-{key}.tar"))).unwrap();
            file.set_modified(SystemTime::now() - std::time::Duration::from_secs(60 * age as u64)).unwrap();
        }
        fs::write(folder.join("x-9.tar.part-1"), "half").unwrap();
        fs::write(folder.join("x-notes"), "no archive").unwrap();
        remove_old(&folder, &[image]).unwrap();
        let mut left = names(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        left.sort();
        assert_eq!(left, ["x-0.tar", "x-1.tar", "x-2.tar", "x-3.tar", "x-notes"]);
    }
}
