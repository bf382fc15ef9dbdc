//! Where programs of the machine are.

use std::path::PathBuf;

/// Programs are looked for here besides `PATH`, which lacks them for most users but root.
const FOLDERS: [&str; 3] = ["/sbin", "/usr/sbin", "/usr/local/sbin"];

/// The program of this name, where this machine has it.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = FOLDERS.into_iter().map(PathBuf::from).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_found() {
        assert_eq!(find("no-such-program-of-anybody"), None);
    }
}
