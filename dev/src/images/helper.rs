//! A busybox: it sleeps in the sandbox of each pod, and prepares and removes volumes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

use super::Image;
use super::archive::{self, Process};
use crate::cache::Cache;
use crate::key;

const BUSYBOX: &str = "/bin/busybox";

/// Names under which the one program is called.
const LINKS: [&str; 12] = ["cat", "chmod", "env", "id", "ls", "mkdir", "nc", "nslookup", "rm", "sh", "sleep", "wget"];

/// The image, built where the cache lacks it.
pub(crate) fn build(cache: &Cache) -> Result<Image> {
    let process = Process { user: "", entrypoint: &["/bin/sleep", "2147483647"], environment: &["PATH=/bin"] };
    let key = archive::content_key(process, &[&key::of_file(Path::new(BUSYBOX))?, &LINKS.join(" ")])?;
    let image = Image::new(&cache.images(), "helper", &key);
    if image.archive.exists() {
        return Ok(image);
    }
    archive::create(&image, process, write_layer)?;
    Ok(image)
}

fn write_layer(layer: &Path) -> Result<()> {
    let root = layer.with_extension("root");
    let programs = root.join("bin");
    fs::create_dir_all(&programs).with_context(|| format!("failed to create {}", programs.display()))?;
    fs::copy(BUSYBOX, programs.join("busybox")).with_context(|| format!("failed to copy {BUSYBOX}"))?;
    for link in LINKS {
        symlink("busybox", programs.join(link)).with_context(|| format!("failed to link {link}"))?;
    }
    archive::pack(&root, layer)?;
    fs::remove_dir_all(&root).with_context(|| format!("failed to remove {}", root.display()))
}
