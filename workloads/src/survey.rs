//! What `/proc` and `/sys` tell: every file of them, read by whoever asks, so that what one sandbox reads can be laid beside what another
//! and the host do.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use serde::{Deserialize, Serialize};

use crate::raw::{self, Fork};

/// Where files are looked for.
const ROOTS: [&str; 2] = ["/proc", "/sys"];

/// Folders that are left out: their contents depend on who reads and are no channel of their own (`/proc/self`), reading them takes
/// something away from others or waits for it (tracing, and the kernel's log), or every file of the machine is behind them.
const LEFT_OUT: [&str; 12] = [
    "/proc/self",
    "/proc/thread-self",
    "/proc/net",
    "/proc/mounts",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
    "/sys/kernel/security",
    "/sys/fs/bpf",
    "/sys/fs/cgroup",
    "/sys/fs/pstore",
    "/sys/firmware/efi/efivars",
    "/sys/bus/pci/slots",
];

/// Names of files that block, that read from hardware, or that are as large as memory.
const SKIPPED: [&str; 14] = [
    "kmsg",
    "kcore",
    "kpagecount",
    "kpageflags",
    "kpagecgroup",
    "trace_pipe",
    "config",
    "rom",
    "vpd",
    "eeprom",
    "nvmem",
    "mem",
    "event",
    "data",
];

/// Files of `/proc/net`, which is a link to a folder of the reader's own process.
const OF_NETWORK: &str = "/proc/net/";

/// Bytes of a file that are read; what is longer is as good as its beginning.
const MOST_BYTES: u64 = 65_536;
/// Bytes of a text that are handed over.
const MOST_TEXT: usize = 8192;
/// Files that are read; a machine has some ten thousand.
const MOST_FILES: usize = 40_000;
/// How deep folders are followed.
const DEEPEST: usize = 12;

/// What was read, by path: `LENGTH:HASH`, or the name of an errno.
pub type Survey = BTreeMap<String, String>;

/// What a watcher is asked for: the user as whom to read, and the files, or none for a survey of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyOrder {
    /// The uid and gid to read as; 0 for as one is.
    pub user: u32,
    /// Files to hand over the texts of; empty for a survey.
    pub texts: Vec<String>,
}

/// Reads every file, or the texts of those that are named.
#[must_use]
pub fn survey(texts: &[String]) -> Survey {
    if !texts.is_empty() {
        return texts.iter().map(|path| (path.clone(), text(path))).collect();
    }
    let mut found = Survey::new();
    for root in ROOTS {
        walk(Path::new(root), 0, &mut found);
    }
    for path in folder(Path::new(OF_NETWORK)) {
        add(&path, &mut found);
    }
    found
}

/// The same in a process of its own with another user, so that nothing is read that only root may: `tell` hands over the result there.
///
/// # Errors
/// The process could not be made.
pub fn survey_as(order: &SurveyOrder, tell: impl FnOnce(&Survey)) -> Result<(), String> {
    match raw::fork().map_err(|errno| format!("fork: {errno:?}"))? {
        Fork::Child => {
            let (user, group) = (Uid::from_raw(order.user), Gid::from_raw(order.user));
            let became = setgroups(&[])
                .and_then(|()| setresgid(group, group, group))
                .and_then(|()| setresuid(user, user, user));
            if became.is_ok() {
                tell(&survey(&order.texts));
            }
            raw::exit_now(i32::from(became.is_err()))
        }
        Fork::Parent(child) => waitpid(child, None).map(drop).map_err(|errno| format!("{errno:?}")),
    }
}

/// Opens so many files, and locks one of another name; returns all of them and the inode of the locked one.
///
/// # Errors
/// What could not be opened or locked.
pub fn hold(files: u64, lock: &Path) -> Result<(Vec<fs::File>, u64), String> {
    let at = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let null = Path::new("/dev/null");
    let mut held = Vec::new();
    for _ in 0..files {
        held.push(fs::File::open(null).map_err(|error| at(null, error))?);
    }
    let locked = fs::File::open(lock).map_err(|error| at(lock, error))?;
    locked.lock().map_err(|error| at(lock, error))?;
    let inode = locked.metadata().map_err(|error| at(lock, error))?.ino();
    held.push(locked);
    Ok((held, inode))
}

fn folder(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().display().to_string()).collect()
}

fn walk(folder: &Path, depth: usize, found: &mut Survey) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let path = entry.path().display().to_string();
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        let is_process = depth == 0 && name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        if is_process || LEFT_OUT.contains(&path.as_str()) || found.len() >= MOST_FILES {
            continue;
        }
        if kind.is_dir() && depth < DEEPEST {
            walk(&entry.path(), depth + 1, found);
        } else if !kind.is_symlink() && !kind.is_dir() {
            add(&path, found);
        }
    }
}

fn add(path: &str, found: &mut Survey) {
    let name = path.rsplit('/').next().unwrap_or(path);
    // Memory of devices: resource0, resource1_wc and the like.
    if SKIPPED.contains(&name) || name.starts_with("resource") {
        return;
    }
    let shown = match read(path) {
        Ok(bytes) => {
            let mut hasher = DefaultHasher::new();
            hasher.write(&bytes);
            format!("{}:{:016x}", bytes.len(), hasher.finish())
        }
        Err(errno) => format!("{errno:?}"),
    };
    found.insert(path.to_owned(), shown);
}

fn text(path: &str) -> String {
    let bytes = read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_TEXT)]).into_owned()
}

fn read(path: &str) -> Result<Vec<u8>, Errno> {
    let errno_of = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(0));
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let mut bytes = Vec::new();
    options
        .open(path)
        .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
        .map_err(errno_of)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_may_read_is_read_and_what_blocks_is_not() {
        let found = survey(&[]);
        assert!(
            found.contains_key("/proc/version") && found.contains_key("/proc/sys/kernel/hostname")
        );
        assert!(!found.contains_key("/proc/kmsg") && !found.contains_key("/proc/kcore"));
        assert!(!found.keys().any(|path| path.starts_with("/proc/1/")));
        let texts = survey(&["/proc/version".to_owned()]);
        assert!(texts["/proc/version"].starts_with("Linux version"), "{texts:?}");
    }
}
