//! The run's directory: the ledger, the lock that says the run is alive, the binary for the sandboxes.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::{FsFlags, statvfs};

use super::trail::{RUN, Trail};
use super::{EngineError, Entry, Ledger};
use crate::announce::{Announce, By, Unheard};
use crate::guardian::Undo;

/// What every name on the machine begins with.
pub const PREFIX: &str = "contain-test-";

/// The name of the lock's file in the run's directory.
pub const LOCK: &str = "lock";

/// The file that the watcher writes.
pub const WATCHED: &str = "watched";

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
    /// A directory of the run elsewhere, which every user can reach.
    apart: Option<PathBuf>,
    _lock: Flock<fs::File>,
    gone: bool,
}

/// Where everything is, or will be.
#[derive(Debug, Clone)]
struct Places {
    hidden: PathBuf,
    path: PathBuf,
    /// What every user must be able to reach; `path` unless that lies where only its owner may go.
    open: PathBuf,
    folder: PathBuf,
    program: PathBuf,
    root: PathBuf,
}

impl Places {
    fn of(parent: &Path, quarters: Option<&Path>, run_id: &str) -> Self {
        let name = format!("{PREFIX}{run_id}");
        let path = parent.join(&name);
        let open = quarters.map_or_else(|| path.clone(), |quarters| quarters.join(&name));
        let folder = open.join("bin");
        Self {
            hidden: parent.join(format!(".{name}")),
            program: folder.join("contain-test"),
            root: open.join("root"),
            folder,
            open,
            path,
        }
    }

    fn is_apart(&self) -> bool {
        self.open != self.path
    }

    /// What takes all of it back, in the order in which it is made.
    fn undo(&self) -> Vec<Undo> {
        let directory = |path: &Path| Undo::Directory { path: path.to_owned() };
        let file = |path: PathBuf| Undo::File { path };
        let apart = self.is_apart().then(|| directory(&self.open));
        let mut undo: Vec<Undo> = apart.into_iter().collect();
        undo.extend([
            directory(&self.hidden),
            file(self.hidden.join(LOCK)),
            directory(&self.path),
            file(self.path.join(LOCK)),
            file(self.path.join(Ledger::FILE)),
            file(self.path.join(WATCHED)),
            directory(&self.folder),
            directory(&self.root),
            Undo::Mount { path: self.folder.clone() },
            file(self.program.clone()),
        ]);
        undo
    }
}

/// Where the binary for sandboxes and the mount point of their roots are in a run with this ID.
#[must_use]
pub fn program_and_root(
    parent: &Path,
    quarters: Option<&Path>,
    run_id: &str,
) -> (PathBuf, PathBuf) {
    let places = Places::of(parent, quarters, run_id);
    (places.program, places.root)
}

/// The steps of [`RunDirectory::create`] for a run with this ID below `parent`, printable.
#[must_use]
pub fn steps(parent: &Path, quarters: Option<&Path>, run_id: &str) -> Vec<String> {
    let places = Places::of(parent, quarters, run_id);
    let mut steps = places.steps_before_the_name().to_vec();
    steps.extend(places.steps_of_the_content(places.needs_mount(parent)));
    steps.iter().map(|step| format!("{RUN}: {step}")).collect()
}

/// The steps of [`RunDirectory::remove`], printable.
#[must_use]
pub fn removal_steps(parent: &Path, quarters: Option<&Path>, run_id: &str) -> Vec<String> {
    let places = Places::of(parent, quarters, run_id);
    let unmount =
        places.needs_mount(parent).then(|| format!("unmount {}", places.folder.display()));
    let apart = places.is_apart().then(|| format!("remove directory {}", places.open.display()));
    let remove = format!("remove directory {}", places.path.display());
    let steps = unmount.into_iter().chain(apart).chain([remove]);
    steps.map(|step| format!("{RUN}: {step}")).collect()
}

impl Places {
    /// Directories that are made once the run has its name, in order.
    fn directories(&self) -> Vec<PathBuf> {
        let apart = self.is_apart().then(|| self.open.clone());
        apart.into_iter().chain([self.folder.clone(), self.root.clone()]).collect()
    }

    fn steps_before_the_name(&self) -> [String; 3] {
        [
            format!("create directory {}", self.hidden.display()),
            format!("create and lock {}", self.hidden.join(LOCK).display()),
            format!("rename {} to {}", self.hidden.display(), self.path.display()),
        ]
    }

    /// Quarters are a tmpfs of this run's own, from which programs can be executed.
    fn needs_mount(&self, parent: &Path) -> bool {
        !self.is_apart() && is_noexec(parent)
    }

    fn steps_of_the_content(&self, needs_mount: bool) -> Vec<String> {
        let mut steps = vec![format!("create {}", self.path.join(Ledger::FILE).display())];
        steps.extend(
            self.directories().iter().map(|path| format!("create directory {}", path.display())),
        );
        if needs_mount {
            steps.push(format!("mount tmpfs at {}", self.folder.display()));
        }
        steps.push(format!("copy this program to {}", self.program.display()));
        steps
    }
}

impl RunDirectory {
    /// Makes the directory below `parent`, takes the lock, and copies this program into it: a copy shares no page of
    /// memory with the file on the host, and its path can be reached by every user.
    ///
    /// # Errors
    /// The file or directory that failed; nothing is left of it then.
    pub fn create(
        parent: &Path,
        quarters: Option<&Path>,
        run_id: &str,
        trail: &mut Trail,
    ) -> Result<Self, EngineError> {
        let places = Places::of(parent, quarters, run_id);
        Self::create_in(&places, run_id, Path::new("/proc/self/exe"), trail)
    }

    /// [`RunDirectory::create`] with the file of another program than this one, for callers that cannot play the roles.
    ///
    /// # Errors
    /// The file or directory that failed; nothing is left of it then.
    pub fn create_with(
        parent: &Path,
        run_id: &str,
        program: &Path,
        trail: &mut Trail,
    ) -> Result<Self, EngineError> {
        Self::create_in(&Places::of(parent, None, run_id), run_id, program, trail)
    }

    fn create_in(
        places: &Places,
        run_id: &str,
        program: &Path,
        trail: &mut Trail,
    ) -> Result<Self, EngineError> {
        if let Some(guardian) = trail.guardian() {
            guardian.expect(places.undo()).map_err(unguarded)?;
        }
        let made = named(places, trail).and_then(|lock| fill(places, run_id, lock, program, trail));
        if made.is_err() {
            let _ = umount2(&places.folder, MntFlags::MNT_DETACH);
            let _ = fs::remove_dir_all(&places.hidden);
            let _ = fs::remove_dir_all(&places.path);
            let _ = fs::remove_dir_all(&places.open);
        }
        made
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
    pub fn remove(&mut self, to: &mut dyn Announce) -> Result<(), EngineError> {
        if self.gone {
            return Ok(());
        }
        let to = &mut By::new(RUN, to);
        if let Some(folder) = &self.mounted {
            to.before(&format_args!("unmount {}", folder.display()))
                .and_then(|()| umount2(folder, MntFlags::MNT_DETACH).map_err(io::Error::from))
                .map_err(|source| EngineError::file("unmount", folder, source))?;
            self.mounted = None;
        }
        for path in self.apart.iter().chain([&self.path]) {
            to.before(&format_args!("remove directory {}", path.display()))
                .and_then(|()| fs::remove_dir_all(path))
                .map_err(|source| EngineError::file("remove", path, source))?;
        }
        self.gone = true;
        Ok(())
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        let _ = self.remove(&mut Unheard);
    }
}

/// Makes the directory and takes its lock. The janitor takes a directory without a lock for a dead run's, so the name appears
/// when the lock is held.
fn named(places: &Places, trail: &mut Trail) -> Result<Flock<fs::File>, EngineError> {
    let steps = places.steps_before_the_name();
    announced(trail, &steps[0], "create", &places.hidden, |path| fs::create_dir(path))?;
    let lock = announced(trail, &steps[1], "lock", &places.hidden.join(LOCK), lock)?;
    if let Some(guardian) = trail.guardian() {
        guardian.hold(lock.as_fd()).map_err(unguarded)?;
    }
    announced(trail, &steps[2], "rename", &places.hidden, |path| fs::rename(path, &places.path))?;
    Ok(lock)
}

fn fill(
    places: &Places,
    run_id: &str,
    lock: Flock<fs::File>,
    original: &Path,
    trail: &mut Trail,
) -> Result<RunDirectory, EngineError> {
    let Places { path, folder, program, root, open, .. } = places;
    let mut steps = places.steps_of_the_content(true).into_iter();
    let mut next = || steps.next().unwrap_or_default();
    let file = path.join(Ledger::FILE);
    let mut ledger = announced(trail, &next(), "create", &file, |_| Ledger::create(path))?;
    for entry in [Entry::Directory(path.clone()), Entry::File(program.clone())] {
        ledger.note(entry)?;
    }
    allow(path, 0o711)?;
    for directory in places.directories() {
        announced(trail, &next(), "create", &directory, |path| fs::create_dir(path))?;
        allow(&directory, 0o755)?;
    }
    let (mount_it, copy_it) = (next(), next());
    let mounted = if is_noexec(folder) {
        ledger.note(Entry::Mount(folder.clone()))?;
        announced(trail, &mount_it, "mount a tmpfs at", folder, |folder| {
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
            Ok(mount(Some("contain-test"), folder, Some("tmpfs"), flags, Some("mode=0755"))?)
        })?;
        Some(folder.clone())
    } else {
        None
    };
    announced(trail, &copy_it, "copy the program to", program, |program| {
        fs::copy(original, program).map(drop)
    })?;
    allow(program, 0o555)?;
    Ok(RunDirectory {
        run_id: run_id.to_owned(),
        path: path.clone(),
        program: program.clone(),
        root: root.clone(),
        ledger,
        mounted,
        apart: places.is_apart().then(|| open.clone()),
        _lock: lock,
        gone: false,
    })
}

fn announced<T>(
    trail: &mut Trail,
    step: &str,
    action: &'static str,
    path: &Path,
    act: impl FnOnce(&Path) -> io::Result<T>,
) -> Result<T, EngineError> {
    By::new(RUN, trail)
        .before(&step)
        .and_then(|()| act(path))
        .map_err(|source| EngineError::file(action, path, source))
        .map_err(|error| trail.located(error))
}

fn unguarded(error: io::Error) -> EngineError {
    EngineError::Failed(format!("the guardian cannot be told of what will be made: {error}"))
}

/// Takes the lock of a run's directory.
fn lock(path: &Path) -> io::Result<Flock<fs::File>> {
    let file = fs::File::create(path)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno.into())
}

fn allow(path: &Path, mode: u32) -> Result<(), EngineError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|source| EngineError::file("set the permissions of", path, source))
}

/// Many distributions mount /run without the right to execute.
fn is_noexec(path: &Path) -> bool {
    statvfs(path).is_ok_and(|status| status.flags().contains(FsFlags::ST_NOEXEC))
}
