//! The checkout that this program was compiled in.

use std::path::{Path, PathBuf};

/// Its topmost folder.
pub(crate) fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder).to_path_buf()
}
