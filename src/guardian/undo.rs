//! Taking one thing back, prepared so that doing it needs nothing: no memory, no descriptor that is not open yet.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::mount::{MntFlags, umount2};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::protocol::Undo;

/// One thing that can be taken back.
#[derive(Debug)]
pub struct Prepared {
    kind: Kind,
    path: CString,
}

#[derive(Debug)]
enum Kind {
    Directory,
    File,
    Mount,
    Cgroup,
    Planted { run_id: String },
    Write { file: File, value: Vec<u8> },
}

impl Prepared {
    /// Lays out what is needed.
    ///
    /// # Errors
    /// A path that cannot be one, or a file to be written that cannot be opened.
    pub fn new(undo: &Undo) -> Result<Self, String> {
        let (kind, path) = match undo {
            Undo::Directory { path } => (Kind::Directory, path),
            Undo::File { path } => (Kind::File, path),
            Undo::Mount { path } => (Kind::Mount, path),
            Undo::Cgroup { path } => (Kind::Cgroup, path),
            Undo::Planted { run_id } => {
                let kind = Kind::Planted { run_id: run_id.clone() };
                return Ok(Self { kind, path: c"planted".to_owned() });
            }
            Undo::Write { path, value } => {
                let file = OpenOptions::new()
                    .write(true)
                    .open(path)
                    .map_err(|error| format!("cannot open {}: {error}", path.display()))?;
                (Kind::Write { file, value: value.clone().into_bytes() }, path)
            }
        };
        Ok(Self { kind, path: c_path(path)? })
    }

    /// Whether it is among the run's own files, from which the janitor works.
    pub const fn belongs_to_the_ledger(&self) -> bool {
        matches!(self.kind, Kind::Directory | Kind::File)
    }

    /// Takes it back. Safe to call again.
    ///
    /// # Errors
    /// The errno of the system call; `EBUSY` may pass.
    pub fn perform(&self) -> Result<(), Errno> {
        let path = self.path.as_c_str();
        let result = match &self.kind {
            Kind::Directory | Kind::Cgroup => unlinkat(AT_FDCWD, path, UnlinkatFlags::RemoveDir),
            Kind::File => unlinkat(AT_FDCWD, path, UnlinkatFlags::NoRemoveDir),
            Kind::Mount => umount2(path, MntFlags::MNT_DETACH),
            Kind::Planted { run_id } => {
                contain_test_workloads::remove_planted(run_id);
                Ok(())
            }
            Kind::Write { file, value } => file
                .write_at(value, 0)
                .map(drop)
                .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0))),
        };
        match (result, &self.kind) {
            (Err(Errno::ENOENT), _) | (Err(Errno::EINVAL), Kind::Mount) => Ok(()),
            (result, _) => result,
        }
    }
}

fn c_path(path: &Path) -> Result<CString, String> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| format!("{} is no path", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn things_are_taken_back_and_what_is_not_there_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let (directory, file) = (folder.path().join("d"), folder.path().join("d/f"));
        let value = folder.path().join("value");
        fs::write(&value, "new").unwrap();
        let undo = [
            Undo::Directory { path: directory.clone() },
            Undo::File { path: file.clone() },
            Undo::Write { path: value.clone(), value: "old".to_owned() },
            Undo::Mount { path: directory.clone() },
        ];
        let prepared: Vec<Prepared> = undo.iter().map(|it| Prepared::new(it).unwrap()).collect();
        fs::create_dir(&directory).unwrap();
        fs::write(&file, "x").unwrap();
        for _ in 0..2 {
            for it in prepared.iter().rev() {
                it.perform().unwrap();
            }
        }
        assert!(!directory.exists());
        assert_eq!(fs::read_to_string(value).unwrap(), "old");
    }

    #[test]
    fn a_directory_that_is_not_empty_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("precious"), "x").unwrap();
        let undo = Undo::Directory { path: folder.path().to_owned() };
        assert_eq!(Prepared::new(&undo).unwrap().perform(), Err(Errno::ENOTEMPTY));
    }
}
