//! Image archives in the format of `docker save`: a layer, a configuration and a manifest. The same content gives the
//! same bytes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Image;
use crate::{cache, command, key};

/// Another one wherever the same file system and process give another archive.
const FORMAT: &str = "1";

/// How an image's first process is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process<'a> {
    /// `uid:gid`, or empty for root.
    pub(crate) user: &'a str,
    /// Program and fixed arguments.
    pub(crate) entrypoint: &'a [&'a str],
    /// Environment as `NAME=value`.
    pub(crate) environment: &'a [&'a str],
}

/// A key of everything that an archive depends on: how it is made, its process, and the texts that decide about its files.
pub(crate) fn content_key(process: Process<'_>, inputs: &[&str]) -> Result<String> {
    let process = format!("{process:?}");
    key::of_texts(&[&[FORMAT, process.as_str()], inputs].concat())
}

/// Lets `build` write the file system as a tar file and makes an archive of it.
pub(crate) fn create(image: &Image, process: Process<'_>, build: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    cache::publish(&image.archive, |result, work| {
        let folder = work.join("image");
        fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
        write(&folder, image, process, build)?;
        pack(&folder, result)
    })
}

/// Packs a folder as a tar file that depends on nothing but names, modes and contents.
pub(crate) fn pack(folder: &Path, output: &Path) -> Result<()> {
    let mut tar = command::new("tar");
    tar.args(["--create", "--format=gnu", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"]);
    // Whatever the umask is, users without rights can read it.
    tar.arg("--mode=a+rX");
    tar.arg("--file").arg(output).arg("--directory").arg(folder).arg(".");
    // Names without a leading "./" are what image loaders look for.
    tar.args(["--transform", "s,^\\./,,"]);
    command::read(&mut tar).map(drop)
}

fn write(folder: &Path, image: &Image, process: Process<'_>, build: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let layer = folder.join("layer.tar");
    build(&layer)?;
    let configuration = configuration(process, &key::of_file(&layer)?);
    write_json(&folder.join("configuration.json"), &configuration)?;
    let manifest = json!([{
        "Config": "configuration.json",
        "RepoTags": [image.reference],
        "Layers": ["layer.tar"],
    }]);
    write_json(&folder.join("manifest.json"), &manifest)
}

fn configuration(process: Process<'_>, layer: &str) -> Value {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    json!({
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": process.user,
            "Entrypoint": process.entrypoint,
            "Env": process.environment,
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{layer}")]},
    })
}

fn write_json(path: &Path, value: &Value) -> Result<()> {
    fs::write(path, value.to_string()).with_context(|| format!("failed to write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    #[test]
    fn has_another_key_for_another_process_or_input() {
        let process = Process { user: "65532:65532", entrypoint: &["/x"], environment: &[] };
        let root = Process { user: "", ..process };
        let key = |process, input| content_key(process, &[input]).unwrap();
        assert_eq!(key(process, "a"), key(process, "a"));
        assert_ne!(key(process, "a"), key(process, "b"));
        assert_ne!(key(process, "a"), key(root, "a"));
    }

    #[test]
    fn gives_the_same_bytes_for_the_same_content() {
        let folder = Cache::open().unwrap().root().join(format!("archive-test-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let keys: Vec<String> = ["one", "two"]
            .iter()
            .map(|name| {
                let image = Image { archive: folder.join(format!("{name}.tar")), ..Image::new(&folder, "x", "1") };
                let process = Process { user: "65532:65532", entrypoint: &["/x"], environment: &[] };
                create(&image, process, |layer| Ok(fs::write(layer, "a layer")?)).unwrap();
                key::of_file(&image.archive).unwrap()
            })
            .collect();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(keys[0], keys[1]);
    }
}
