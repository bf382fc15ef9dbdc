//! The run's directory: the ledger, the lock that says the run is alive, the binary for the sandboxes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::{FsFlags, statvfs};

use super::{EngineError, Entry, Ledger};

/// What every name on the machine begins with.
pub const PREFIX: &str = "contain-test-";

/// The name of the lock's file in the run's directory.
pub const LOCK: &str = "lock";

/// A run's directory. Dropping it removes it.
#[derive(Debug)]
pub struct RunDirectory {
    /// The run's ID.
    pub run_id: String,
    /// The directory.
    pub path: PathBuf,
    /// The binary, readable and executable for everybody.
    pub program: PathBuf,
    /// An empty directory: the mount point of each sandbox's root, in its own mount namespace.
    pub root: PathBuf,
    /// The ledger.
    pub ledger: Ledger,
    mounted: Option<PathBuf>,
    _lock: Flock<fs::File>,
    gone: bool,
}

impl RunDirectory {
    /// Makes the directory below `parent`, takes the lock, and copies this program into it: a copy shares no page of
    /// memory with the file on the host, and its path can be reached by every user.
    ///
    /// # Errors
    /// The file or directory that failed.
    pub fn create(parent: &Path, run_id: &str) -> Result<Self, EngineError> {
        Self::create_with(parent, run_id, Path::new("/proc/self/exe"))
    }

    /// [`RunDirectory::create`] with the file of another program than this one, for callers that cannot play the roles.
    ///
    /// # Errors
    /// The file or directory that failed.
    pub fn create_with(parent: &Path, run_id: &str, program: &Path) -> Result<Self, EngineError> {
        let path = parent.join(format!("{PREFIX}{run_id}"));
        // The janitor takes a directory without a lock for a dead run's, so the name appears when the lock is held.
        let hidden = parent.join(format!(".{PREFIX}{run_id}"));
        fs::create_dir(&hidden).map_err(|source| EngineError::file("create", &hidden, source))?;
        let locked = lock(&hidden).and_then(|lock| {
            fs::rename(&hidden, &path)
                .map_err(|source| EngineError::file("rename", &hidden, source))?;
            Ok(lock)
        });
        let made = locked.and_then(|lock| Self::fill(&path, run_id, lock, program));
        if made.is_err() {
            let _ = fs::remove_dir_all(&hidden);
            let _ = fs::remove_dir_all(&path);
        }
        made
    }

    fn fill(
        path: &Path,
        run_id: &str,
        lock: Flock<fs::File>,
        original: &Path,
    ) -> Result<Self, EngineError> {
        let at = |action, path: &Path| {
            let path = path.to_owned();
            move |source| EngineError::File { action, path, source }
        };
        let mut ledger = Ledger::create(path)?;
        allow(path, 0o711)?;

        let (folder, root) = (path.join("bin"), path.join("root"));
        for directory in [&folder, &root] {
            fs::create_dir(directory).map_err(at("create", directory))?;
            allow(directory, 0o755)?;
        }
        let mounted = if is_noexec(&folder) {
            ledger.note(Entry::Mount(folder.clone()))?;
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
            mount(Some("contain-test"), &folder, Some("tmpfs"), flags, Some("mode=0755"))
                .map_err(|errno| EngineError::file("mount a tmpfs at", &folder, errno.into()))?;
            Some(folder.clone())
        } else {
            None
        };
        let program = folder.join("contain-test");
        fs::copy(original, &program).map_err(at("copy the program to", &program))?;
        allow(&program, 0o555)?;
        Ok(Self {
            run_id: run_id.to_owned(),
            path: path.to_owned(),
            program,
            root,
            ledger,
            mounted,
            _lock: lock,
            gone: false,
        })
    }

    /// The name that cgroups of this run have.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{PREFIX}{}", self.run_id)
    }

    /// Removes everything. Safe to call again.
    ///
    /// # Errors
    /// What would not go.
    pub fn remove(&mut self) -> Result<(), EngineError> {
        if self.gone {
            return Ok(());
        }
        if let Some(folder) = self.mounted.take() {
            umount2(&folder, MntFlags::MNT_DETACH)
                .map_err(|errno| EngineError::file("unmount", &folder, errno.into()))?;
        }
        fs::remove_dir_all(&self.path)
            .map_err(|source| EngineError::file("remove", &self.path, source))?;
        self.gone = true;
        Ok(())
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

/// Takes the lock of a run's directory.
fn lock(directory: &Path) -> Result<Flock<fs::File>, EngineError> {
    let path = directory.join(LOCK);
    let file =
        fs::File::create(&path).map_err(|source| EngineError::file("create", &path, source))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, errno)| EngineError::file("lock", &path, errno.into()))
}

fn allow(path: &Path, mode: u32) -> Result<(), EngineError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|source| EngineError::file("set the permissions of", path, source))
}

/// Many distributions mount /run without the right to execute.
fn is_noexec(path: &Path) -> bool {
    statvfs(path).is_ok_and(|status| status.flags().contains(FsFlags::ST_NOEXEC))
}
