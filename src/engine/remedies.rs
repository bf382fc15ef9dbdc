//! What to do about a step that failed, by the kernel's word for it.

use std::error::Error;
use std::io;

use nix::errno::Errno;

use super::EngineError;
use crate::sandbox::SandboxError;
use crate::sys::spawn::SpawnError;

/// The remedy for an error, in a sentence without a full stop.
#[must_use]
pub fn of(error: &EngineError) -> &'static str {
    match errno_of(error) {
        Some(Errno::EPERM | Errno::EACCES) => {
            "run as root with all capabilities; `contain-test doctor` says what is missing"
        }
        Some(Errno::EROFS) => {
            "mount the cgroup hierarchies writable; in a container, run it with `--privileged`"
        }
        Some(Errno::EAGAIN | Errno::ENOMEM) => {
            "free processes and memory: this user or the machine has reached a limit (`ulimit -u`, `free -m`)"
        }
        Some(Errno::ENOSPC) => {
            "free space in `/run`, and remove cgroups and namespaces that nobody needs"
        }
        Some(Errno::EMFILE | Errno::ENFILE) => "raise the number of open files (`ulimit -n 4096`)",
        Some(Errno::EBUSY | Errno::EEXIST) => {
            "somebody else uses it: run `contain-test clean`, and one run at a time"
        }
        Some(Errno::ENOENT | Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => {
            "this kernel may lack what the step needs; `contain-test doctor` says what is missing"
        }
        _ => "try again; if it stays, see `contain-test doctor` and the kernel's log (`dmesg`)",
    }
}

/// The errno at the bottom of an error.
fn errno_of(error: &EngineError) -> Option<Errno> {
    // A step inside comes as text: its errno's name, and what that means in brackets.
    if let EngineError::Sandbox(SandboxError::Inside { error, .. }) = error {
        let name = error.split_whitespace().next()?;
        return (1..134).map(Errno::from_raw).find(|errno| format!("{errno:?}") == name);
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    let mut found = None;
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            found = error.raw_os_error().map(Errno::from_raw).or(found);
        }
        if let Some(error) = error.downcast_ref::<SpawnError>() {
            found = Some(error.errno);
        }
        next = error.source();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_goes_by_the_errno_wherever_it_is_buried() {
        let denied = EngineError::file("create", "/x", Errno::EACCES.into());
        assert!(of(&denied).contains("root"));
        let (sandbox, step) = ("attacker".to_owned(), "mount".to_owned());
        let inside = SandboxError::Inside { sandbox, step, error: "EPERM (no)".to_owned() };
        assert!(of(&inside.into()).contains("root"));
        assert!(of(&EngineError::Failed("x".to_owned())).contains("doctor"));
    }
}
