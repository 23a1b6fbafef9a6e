//! Images of our own binaries: one static program, a user to run it as, and nothing else.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Image;
use super::archive::{self, Process};
use crate::cache::{self, Cache};
use crate::console::Console;
use crate::{command, key, repository};

/// The binaries that run in a cluster.
pub(crate) const PROGRAMS: [&str; 4] =
    ["realtime-operator", "realtime-api", "realtime-consumer", "realtime-notifications"];

/// The binary whose image holds the console's files, and how it is told where they are.
const WITH_CONSOLE: &str = "realtime-api";
const CONSOLE: &str = "REALTIME_CONSOLE=/console";

/// Largest release image, in bytes.
const RELEASE_LIMIT: u64 = 40 * 1000 * 1000;

/// User and group without rights, as in images that others call "nonroot".
const ACCOUNTS: [(&str, &str); 2] = [
    ("passwd", "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"),
    ("group", "root:x:0:\nnonroot:x:65532:\n"),
];

/// How the binaries are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// For the local cluster: soon there.
    Development,
    /// For users.
    Release,
}

/// A cargo that shares its artifacts between all checkouts of this machine, unless the environment says otherwise.
pub(crate) fn cargo(cache: &Cache) -> Command {
    let mut cargo = command::new("cargo");
    cargo.current_dir(repository::root());
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        cargo.env("CARGO_TARGET_DIR", cache.root().join("target"));
    }
    cargo
}

/// Compiles the workspace's binaries and puts each into an image.
pub(crate) fn build(cache: &Cache, profile: Profile, console: &Console) -> Result<Vec<Image>> {
    let executables = compile(cache, profile)?;
    PROGRAMS
        .iter()
        .map(|program| {
            let suffix = format!("/{program}");
            let executable = executables
                .iter()
                .find(|path| path.to_string_lossy().ends_with(&suffix))
                .with_context(|| format!("cargo built no program {program}"))?;
            let console = (*program == WITH_CONSOLE).then_some(console);
            build_one(cache, program, executable, console, profile)
        })
        .collect()
}

fn compile(cache: &Cache, profile: Profile) -> Result<Vec<PathBuf>> {
    // The benchmark's program goes into no image.
    let arguments = ["--bins", "--workspace", "--exclude", "realtime-bench"];
    build_programs(cache, &arguments, profile)
}

/// Compiles these packages for measurements, and gives the paths of their programs.
pub(crate) fn compile_release(cache: &Cache, packages: &[&str]) -> Result<Vec<PathBuf>> {
    build_programs(cache, &[&["--bins"], packages].concat(), Profile::Release)
}

/// Compiles an example of a package, and gives the path of its program.
pub(crate) fn compile_example(cache: &Cache, package: &str, name: &str) -> Result<PathBuf> {
    let programs = build_programs(cache, &["--package", package, "--example", name], Profile::Development)?;
    programs.into_iter().next().with_context(|| format!("cargo built no example {name}"))
}

fn build_programs(cache: &Cache, arguments: &[&str], profile: Profile) -> Result<Vec<PathBuf>> {
    let log = cache.logs().join("cargo-build.log");
    let errors = File::create(&log).with_context(|| format!("failed to create {}", log.display()))?;
    let mut cargo = cargo(cache);
    cargo.args(["build", "--message-format=json-render-diagnostics"]).args(arguments);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    let output = cargo.stdin(Stdio::null()).stderr(errors).output().context("failed to start cargo")?;
    if !output.status.success() {
        bail!("cargo build ended with {}; its last lines:\n{}", output.status, command::tail(&log));
    }
    Ok(executables(&String::from_utf8_lossy(&output.stdout)))
}

/// The programs that cargo's messages name, one JSON object per line.
fn executables(messages: &str) -> Vec<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .collect()
}

fn build_one(
    cache: &Cache,
    program: &str,
    executable: &Path,
    console: Option<&Console>,
    profile: Profile,
) -> Result<Image> {
    let stripped = cache.images().join(format!("{program}.stripped"));
    cache::publish(&stripped, |result, _| {
        command::read(command::new("strip").arg("-o").arg(result).arg(executable)).map(drop)
    })?;
    let entrypoint = format!("/{program}");
    let environment: &[&str] = if console.is_some() { &[CONSOLE] } else { &[] };
    let process = Process { user: "65532:65532", entrypoint: &[&entrypoint], environment };
    let binary = key::of_file(&stripped)?;
    let keys = [Some(binary.as_str()), console.map(|console| console.key.as_str())];
    let inputs: Vec<&str> = ACCOUNTS.iter().map(|(_, text)| *text).chain(keys.into_iter().flatten()).collect();
    let image = Image::new(&cache.images(), program, &archive::content_key(process, &inputs)?);
    if !image.archive.exists() {
        archive::create(&image, process, |layer| write_layer(layer, program, &stripped, console))?;
    }
    fs::remove_file(&stripped).with_context(|| format!("failed to remove {}", stripped.display()))?;
    let size = fs::metadata(&image.archive).context("failed to read the size of an archive")?.len();
    if profile == Profile::Release && size > RELEASE_LIMIT {
        bail!("the image of {program} has {size} bytes, more than the {RELEASE_LIMIT} that a release may have");
    }
    Ok(image)
}

fn write_layer(layer: &Path, program: &str, stripped: &Path, console: Option<&Console>) -> Result<()> {
    let root = layer.with_extension("root");
    for folder in ["etc", "tmp"] {
        let path = root.join(folder);
        fs::create_dir_all(&path).with_context(|| format!("failed to create {}", path.display()))?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).context("failed to open up /tmp")?;
    for (name, text) in ACCOUNTS {
        fs::write(root.join("etc").join(name), text).with_context(|| format!("failed to write /etc/{name}"))?;
    }
    let target = root.join(program);
    fs::copy(stripped, &target).with_context(|| format!("failed to copy {}", stripped.display()))?;
    fs::set_permissions(&target, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("failed to make {} executable", target.display()))?;
    if let Some(console) = console {
        command::read(command::new("cp").arg("--recursive").arg(&console.files).arg(root.join("console")))?;
    }
    archive::pack(&root, layer)?;
    fs::remove_dir_all(&root).with_context(|| format!("failed to remove {}", root.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_programs_from_the_messages_of_cargo() {
        let messages = r#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/target/debug/realtime-api"}
not json
{"reason":"build-finished","success":true}"#;
        assert_eq!(executables(messages), [PathBuf::from("/target/debug/realtime-api")]);
    }
}
