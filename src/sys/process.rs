//! What a process may do to itself: prctl(2).

use nix::errno::Errno;

/// Asks the kernel to kill this process when its parent thread ends. A change of credentials clears it.
///
/// # Errors
/// The errno of prctl(2).
pub fn die_with_parent() -> Result<(), Errno> {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and no pointers.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }).map(drop)
}

/// Gives up, for this process and all it will execute, every privilege that exec could grant.
///
/// # Errors
/// The errno of prctl(2).
pub fn no_new_privileges() -> Result<(), Errno> {
    // SAFETY: PR_SET_NO_NEW_PRIVS takes constants and no pointers.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }).map(drop)
}

/// Asks the kernel not to take this process when memory runs out (`/proc/self/oom_score_adj`, proc(5)), and returns what is in
/// force: -1000 is never, and without `CAP_SYS_RESOURCE` it stays as it was.
#[must_use]
pub fn lower_oom_score() -> i32 {
    const FILE: &str = "/proc/self/oom_score_adj";
    let _ = std::fs::write(FILE, "-1000");
    std::fs::read_to_string(FILE).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
