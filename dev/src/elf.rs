//! As much of the ELF format as it takes to know whether a program runs alone.

use std::fs;
use std::path::Path;

/// The kind of program header that names a dynamic linker.
const INTERPRETER: u32 = 3;

/// Whether the file is a 64-bit program that needs no dynamic linker: it runs in an image that holds nothing else.
pub(crate) fn is_static(path: impl AsRef<Path>) -> bool {
    fs::read(path).ok().and_then(|program| names_interpreter(&program)) == Some(false)
}

/// Offsets are those of `elf(5)` for 64 bits, little endian.
fn names_interpreter(program: &[u8]) -> Option<bool> {
    if !program.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let table = usize::try_from(u64::from_le_bytes(bytes(program, 32)?)).ok()?;
    let size = usize::from(u16::from_le_bytes(bytes(program, 54)?));
    let count = usize::from(u16::from_le_bytes(bytes(program, 56)?));
    let kinds: Option<Vec<u32>> =
        (0..count).map(|index| Some(u32::from_le_bytes(bytes(program, table + index * size)?))).collect();
    Some(kinds?.contains(&INTERPRETER))
}

fn bytes<const LENGTH: usize>(program: &[u8], offset: usize) -> Option<[u8; LENGTH]> {
    program.get(offset..offset.checked_add(LENGTH)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_static_program_from_a_dynamic_one() {
        // This workspace links statically; the shell of a distribution does not.
        assert!(is_static(std::env::current_exe().unwrap()));
        assert!(!is_static("/bin/sh"));
        assert!(!is_static("/etc/passwd"));
        assert!(!is_static("/no/such/program"));
    }
}
