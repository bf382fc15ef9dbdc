//! A child that shares the harness's fate: it gets the descriptors it is meant to have, and dies when the harness does.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::errno::Errno;
use nix::unistd::{Pid, getppid};

/// Starts the command in a process group of its own, so that Ctrl-C on the terminal is the harness's alone. The child keeps
/// the given descriptors under their numbers, and the kernel kills it when the thread that started it ends, however that ends.
///
/// # Errors
/// What std's `spawn` gives; the errno of fcntl(2) or prctl(2) in the child.
pub fn spawn_bound(command: &mut Command, keep: &[BorrowedFd<'_>]) -> io::Result<Child> {
    let keep: Vec<RawFd> = keep.iter().map(AsRawFd::as_raw_fd).collect();
    let harness = Pid::this();
    let bind = move || -> io::Result<()> {
        for &fd in &keep {
            // SAFETY: F_SETFD takes a number and touches no memory; without its flag the descriptor outlives exec.
            Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) })?;
        }
        super::process::die_with_parent()?;
        // The harness may have died before the request took effect: then nobody would end this process.
        if getppid() == harness { Ok(()) } else { Err(io::Error::from(Errno::ESRCH)) }
    };
    command.process_group(0);
    // SAFETY: between fork and exec the closure makes system calls on data laid out before, and allocates nothing.
    unsafe { command.pre_exec(bind) };
    command.spawn()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};
    use std::os::fd::AsFd;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_child_has_the_descriptors_it_is_given_and_its_own_group() {
        let mut file = tempfile::tempfile().unwrap();
        let kept = file.as_fd().as_raw_fd();
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("echo seen >&{kept}; ps -o pgid= -p $$ 2>/dev/null || echo $$")]);
        command.stdout(Stdio::piped());
        let child = spawn_bound(&mut command, &[file.as_fd()]).unwrap();
        let id = child.id().to_string();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), id);
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "seen\n");
    }

    #[test]
    fn a_child_dies_with_the_thread_that_started_it() {
        let child =
            std::thread::spawn(|| spawn_bound(Command::new("sleep").arg("60"), &[]).unwrap());
        let mut child = child.join().unwrap();
        let begun = std::time::Instant::now();
        let status = child.wait().unwrap();
        assert!(!status.success() && begun.elapsed().as_secs() < 10, "{status}");
    }
}
