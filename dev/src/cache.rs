//! What outlives a checkout: programs, images, clusters and logs, in one folder of the user's cache.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// What stands behind the name of a thing that is being built.
const PARTIAL: &str = ".part-";

/// The folder `realtime-stack` below `XDG_CACHE_HOME`, or below `~/.cache`.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Finds the folder and creates it where it is missing.
    pub(crate) fn open() -> Result<Self> {
        let root = cache_home()?.join("realtime-stack");
        for hidden in ["/var/lib", "/var/log", "/run"] {
            if root.starts_with(hidden) {
                bail!("the cache {} lies below {hidden}, which the cluster hides: set XDG_CACHE_HOME", root.display());
            }
        }
        if let Some(character) = root.to_string_lossy().chars().find(|character| !is_plain(*character)) {
            bail!(
                "the cache {} has {character:?} in its path, which the cluster's programs cannot read: set XDG_CACHE_HOME",
                root.display()
            );
        }
        let cache = Self { root };
        for folder in [cache.programs(), cache.images(), cache.logs()] {
            fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
        }
        Ok(cache)
    }

    /// The whole folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Programs that were built from Go modules.
    pub(crate) fn programs(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// One of these programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name)
    }

    /// Image archives.
    pub(crate) fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Output of the last run of each step.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Data of the cluster with that name.
    pub(crate) fn cluster(&self, name: &str) -> PathBuf {
        self.root.join("clusters").join(name)
    }

    /// Waits until no other run changes the thing of that name, and keeps others out until the result is dropped.
    pub(crate) fn lock(&self, name: &str) -> Result<File> {
        let path = self.root.join(format!("{name}.lock"));
        let file = File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
        if file.try_lock().is_err() {
            eprintln!("waiting for another run that holds {}", path.display());
            file.lock().with_context(|| format!("failed to lock {}", path.display()))?;
        }
        Ok(file)
    }
}

/// Whether scripts, configuration files and lists of folders can hold it as it is.
fn is_plain(character: char) -> bool {
    !character.is_whitespace() && !character.is_control() && !"'\"\\$`:".contains(character)
}

fn cache_home() -> Result<PathBuf> {
    if let Some(path) = env::var_os("XDG_CACHE_HOME").map(PathBuf::from)
        && path.is_absolute()
    {
        return Ok(path);
    }
    Ok(env::home_dir().context("failed to find the home folder: set HOME or XDG_CACHE_HOME")?.join(".cache"))
}

/// Whether a file of this name is one that [`publish`] has not put in place yet.
pub(crate) fn is_partial(name: &str) -> bool {
    name.contains(PARTIAL)
}

/// Lets `build` write beside `path` and puts the result in place at once, so that an interruption leaves no half a file.
/// `build` gets the path of the result and that of an empty folder for its work, which is removed.
///
/// What interrupted runs left is removed first; programs of theirs that still run cannot write into these. Callers hold a
/// lock, so that two never build the same.
pub(crate) fn publish(path: &Path, build: impl FnOnce(&Path, &Path) -> Result<()>) -> Result<()> {
    let parent = path.parent().context("a cache entry has no folder")?;
    let name = path.file_name().context("a cache entry has no name")?.to_string_lossy();
    let prefix = format!("{name}{PARTIAL}");
    for entry in fs::read_dir(parent).with_context(|| format!("failed to list {}", parent.display()))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            remove(&entry.path())?;
        }
    }
    let result = parent.join(format!("{prefix}{}", std::process::id()));
    let work = parent.join(format!("{prefix}{}-work", std::process::id()));
    fs::create_dir_all(&work).with_context(|| format!("failed to create {}", work.display()))?;
    build(&result, &work)?;
    remove(&work)?;
    fs::rename(&result, path).with_context(|| format!("failed to put {} in place", path.display()))
}

/// Writes a text file in one step, also when two runs do so at once.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}", std::process::id()));
    fs::write(&partial, text).with_context(|| format!("failed to write {}", Path::new(&partial).display()))?;
    fs::rename(&partial, path).with_context(|| format!("failed to put {} in place", path.display()))
}

/// Removes a file or folder with all that is in it; one that is not there is no error.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return Ok(()),
    };
    removed.with_context(|| format!("failed to remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_characters_that_a_script_reads_otherwise() {
        assert!("/home/zoë/.cache_1/a-b".chars().all(is_plain));
        assert!("' \t\"$:\\".chars().all(|character| !is_plain(character)));
    }

    #[test]
    fn publishes_a_whole_file_and_removes_what_an_interrupted_run_left() {
        let folder = Cache::open().unwrap().root().join(format!("publish-test-{}", std::process::id()));
        fs::create_dir_all(folder.join("x.part-1-work/deep")).unwrap();
        fs::write(folder.join("x.part-1"), "half").unwrap();
        let path = folder.join("x");
        publish(&path, |result, work| {
            assert!(!path.exists());
            fs::write(work.join("y"), "whole")?;
            Ok(fs::rename(work.join("y"), result)?)
        })
        .unwrap();
        let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((names, text.as_str()), (vec!["x".into()], "whole"));
    }
}
