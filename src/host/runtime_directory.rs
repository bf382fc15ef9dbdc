//! Where the ledger of a run may live.

use std::path::PathBuf;

use nix::unistd::{AccessFlags, Uid, eaccess};

use super::{HostError, OwnNamespace, Roots};

/// The first of `/run`, `$XDG_RUNTIME_DIR`, `/run/user/UID` and, without root, `/tmp` that this process may create folders in.
///
/// All are emptied at boot, as are the things that a ledger lists. Nothing is written to find out.
///
/// # Errors
/// [`HostError::NoRuntimeDirectory`] with the folders that were tried.
pub fn runtime_directory() -> Result<PathBuf, HostError> {
    let own = OwnNamespace::here(&Roots::default());
    let uid = own.map_or_else(|| Uid::effective().as_raw(), |own| own.uid);
    first_writable(candidates(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from), uid))
}

fn candidates(named: Option<PathBuf>, uid: u32) -> Vec<PathBuf> {
    let mut candidates = vec![PathBuf::from("/run")];
    // The XDG base directory specification: a path that is not absolute is to be ignored.
    candidates.extend(named.filter(|path| path.is_absolute()));
    if uid != 0 {
        candidates.extend([PathBuf::from(format!("/run/user/{uid}")), PathBuf::from("/tmp")]);
    }
    candidates.dedup();
    candidates
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

    #[test]
    fn only_users_without_root_fall_back() {
        let paths = |named: Option<&str>, uid| -> Vec<String> {
            let paths = candidates(named.map(PathBuf::from), uid);
            paths.iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(paths(Some("relative"), 0), ["/run"]);
        assert_eq!(paths(Some("/run/user/7"), 7), ["/run", "/run/user/7", "/tmp"]);
        assert_eq!(paths(None, 7), ["/run", "/run/user/7", "/tmp"]);
    }
}
