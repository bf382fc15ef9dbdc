//! Where the ledger of a run may live.

use std::path::PathBuf;

use nix::unistd::{AccessFlags, eaccess};

use super::HostError;

/// The first of `/run` and `$XDG_RUNTIME_DIR` that this process may create folders in.
///
/// Both are emptied at boot, as are the things that a ledger lists. Nothing is written to find out.
///
/// # Errors
/// [`HostError::NoRuntimeDirectory`] with the folders that were tried.
pub fn runtime_directory() -> Result<PathBuf, HostError> {
    let mut candidates = vec![PathBuf::from("/run")];
    // The XDG base directory specification: a path that is not absolute is to be ignored.
    candidates.extend(
        std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()),
    );
    first_writable(candidates)
}

fn first_writable(candidates: Vec<PathBuf>) -> Result<PathBuf, HostError> {
    let writable = |path: &&PathBuf| {
        path.is_dir() && eaccess(path.as_path(), AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
    };
    match candidates.iter().find(writable) {
        Some(path) => Ok(path.clone()),
        None => Err(HostError::NoRuntimeDirectory { tried: candidates }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_writable_folder_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        let found = first_writable(vec![absent.clone(), folder.path().to_path_buf()]);
        assert_eq!(found.unwrap(), folder.path());
        let error = first_writable(vec![absent]).unwrap_err().to_string();
        assert!(error.contains("absent") && error.contains("XDG_RUNTIME_DIR"), "{error}");
    }
}
