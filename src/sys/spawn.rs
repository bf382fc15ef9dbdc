//! clone3(2) and exec: how a sandbox's first process comes to be.
//!
//! The harness may have threads, so between clone and exec the child makes system calls and nothing else: no
//! allocation, no lock, no Rust destructor. Everything it needs is laid out before the clone.

use std::ffi::{CStr, CString};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Pid, pipe2};

/// What the first process of a sandbox is made of.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// Namespaces to enter before those of `namespaces` are made, each an open file of `/proc/PID/ns`, a user namespace last: who has
    /// entered that may not enter what the host owns. Who enters is a process of its own, which makes the first one and ends: a
    /// process cannot change its own PID namespace, and a new namespace belongs to the user namespace of its maker.
    pub enter: Vec<BorrowedFd<'a>>,
    /// `CLONE_NEW*` flags for namespaces made by the clone itself.
    pub namespaces: u64,
    /// A cgroup v2 directory to be born in (`CLONE_INTO_CGROUP`).
    pub into_cgroup: Option<BorrowedFd<'a>>,
    /// Open `tasks` files of version 1 hierarchies, to be joined before exec.
    pub join: Vec<BorrowedFd<'a>>,
    /// Make a cgroup namespace after joining, so that its root is the sandbox's own group.
    pub unshare_cgroup: bool,
    /// Become root of the new, or entered, user namespace before exec; an unmapped process would lose its capabilities there.
    pub become_root: bool,
    /// Becomes standard input and output.
    pub stream: BorrowedFd<'a>,
    /// Becomes standard error.
    pub errors: BorrowedFd<'a>,
    /// The program.
    pub program: CString,
    /// Its arguments, the name first.
    pub arguments: Vec<CString>,
}

/// A child that waits to be let go, so that its user ID maps can be written first.
#[derive(Debug)]
pub struct Held {
    /// Its process ID as the harness sees it.
    pub pid: Pid,
    /// A file descriptor of it that no reuse of the ID can redirect.
    pub pidfd: OwnedFd,
    go: OwnedFd,
    status: OwnedFd,
}

/// A step between clone and exec that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {errno:?}")]
pub struct SpawnError {
    /// What the child, or the harness, was doing.
    pub step: &'static str,
    /// Why it failed.
    pub errno: Errno,
}

/// `CLONE_INTO_CGROUP` of linux/sched.h: libc's constant has a type too narrow for it.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Within this time a process that has nothing to do but end ends.
const RELAY_LIMIT: Duration = Duration::from_secs(5);

const STEPS: [&str; 9] = [
    "clone3",
    "join a version 1 cgroup",
    "become root of the user namespace",
    "unshare the cgroup namespace",
    "connect the standard streams",
    "execute the program",
    "leave the harness's session",
    "enter a namespace of the pod",
    "clone3 in the namespaces of the pod",
];

const JOIN: u8 = 1;
const BECOME_ROOT: u8 = 2;
const UNSHARE_CGROUP: u8 = 3;
const STREAMS: u8 = 4;
const EXEC: u8 = 5;
const SESSION: u8 = 6;
const ENTER: u8 = 7;
const CLONE_THERE: u8 = 8;

impl Spawn<'_> {
    /// Clones. The child is in its cgroups when [`Held::release`] lets it go on to exec.
    ///
    /// # Errors
    /// The errno of pipe2 or clone3: `EPERM` without privilege, `EINVAL` or `ENOSYS` on kernels without a flag.
    pub fn start(&self) -> Result<Held, SpawnError> {
        let at_clone = |errno| SpawnError { step: STEPS[0], errno };
        let flags = nix::fcntl::OFlag::O_CLOEXEC;
        let (go_read, go_write) = pipe2(flags).map_err(at_clone)?;
        let (status_read, status_write) = pipe2(flags).map_err(at_clone)?;
        let born = match self.enter.is_empty() {
            true => None,
            false => Some(pipe2(flags).map_err(at_clone)?),
        };
        let mut arguments: Vec<*const libc::c_char> =
            self.arguments.iter().map(|argument| argument.as_ptr()).collect();
        arguments.push(ptr::null());
        let join: Vec<RawFd> = self.join.iter().map(AsRawFd::as_raw_fd).collect();
        let enter: Vec<RawFd> = self.enter.iter().map(AsRawFd::as_raw_fd).collect();
        let child = Child {
            join: &join,
            enter: &enter,
            namespaces: self.namespaces,
            born: born.as_ref().map_or(-1, |(_, write)| write.as_raw_fd()),
            go: go_read.as_raw_fd(),
            go_of_harness: go_write.as_raw_fd(),
            status: status_write.as_raw_fd(),
            stream: self.stream.as_raw_fd(),
            errors: self.errors.as_raw_fd(),
            become_root: self.become_root,
            unshare_cgroup: self.unshare_cgroup,
            program: &self.program,
            arguments: &arguments,
        };
        let mut pidfd: RawFd = -1;
        let mut flags = libc::CLONE_PIDFD as u64;
        if self.enter.is_empty() {
            flags |= self.namespaces;
        }
        let mut cgroup = 0;
        if let Some(group) = self.into_cgroup {
            flags |= CLONE_INTO_CGROUP;
            cgroup = u64::try_from(group.as_raw_fd()).unwrap_or(0);
        }
        let args = libc::clone_args {
            pidfd: (&raw mut pidfd) as u64,
            exit_signal: libc::SIGCHLD as u64,
            cgroup,
            ..clone_args(flags)
        };
        // SAFETY: `args` is a valid clone_args whose pidfd points to a live RawFd; without CLONE_VM the child has its
        // own copy of this stack, and it leaves through `Child::run`, which never returns.
        let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) };
        match Errno::result(pid).map_err(at_clone)? {
            0 => child.run(),
            pid => {
                // SAFETY: the kernel has just stored a new descriptor there, and nobody else owns it.
                let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
                let pid = Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX));
                let held = Held { pid, pidfd, go: go_write, status: status_read };
                let Some((born, theirs)) = born else { return Ok(held) };
                drop((theirs, status_write));
                held.succeeded(born)
            }
        }
    }
}

/// Arguments of clone3 with these flags and nothing else.
const fn clone_args(flags: u64) -> libc::clone_args {
    libc::clone_args {
        flags,
        pidfd: 0,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: 0,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    }
}

impl Held {
    /// What its process made in the namespaces of a pod takes its place: a child of the harness as well (`CLONE_PARENT`), whose ID
    /// comes through `born`.
    fn succeeded(self, born: OwnedFd) -> Result<Self, SpawnError> {
        let mut number = [0_u8; size_of::<libc::c_long>()];
        let told = read_all(&mut std::fs::File::from(born), &mut number);
        let status = crate::sys::pidfd::wait_for_end(self.pidfd.as_fd(), RELAY_LIMIT)
            .and_then(|_| crate::sys::pidfd::reap(&self.pidfd));
        let at = |errno| SpawnError { step: STEPS[usize::from(CLONE_THERE)], errno };
        if told.ok() != Some(number.len()) {
            return Err(failure_of(self.status).err().unwrap_or(at(Errno::ECHILD)));
        }
        status.map_err(at)?;
        let pid =
            i32::try_from(libc::c_long::from_ne_bytes(number)).map_err(|_| at(Errno::ESRCH))?;
        let pid = Pid::from_raw(pid);
        // It is a child of this process, so its number is its own until it is reaped.
        let pidfd = crate::sys::pidfd::open(pid).map_err(at)?;
        Ok(Self { pid, pidfd, ..self })
    }

    /// Lets the child go on to exec, and waits until that has worked or failed. The child's process and pidfd stay
    /// the caller's to reap in both cases.
    ///
    /// # Errors
    /// The step that failed in the child, with its errno.
    pub fn release(self) -> Result<(Pid, OwnedFd), (OwnedFd, SpawnError)> {
        let _ = nix::unistd::write(&self.go, b"g");
        drop(self.go);
        match failure_of(self.status) {
            Ok(()) => Ok((self.pid, self.pidfd)),
            Err(error) => Err((self.pidfd, error)),
        }
    }
}

/// Waits until a child has executed its program, or says which step failed.
fn failure_of(status: OwnedFd) -> Result<(), SpawnError> {
    let mut failure = [0_u8; 5];
    match read_all(&mut std::fs::File::from(status), &mut failure) {
        Ok(5) => {
            let errno = i32::from_ne_bytes([failure[1], failure[2], failure[3], failure[4]]);
            let step = STEPS.get(usize::from(failure[0])).copied().unwrap_or("start");
            Err(SpawnError { step, errno: Errno::from_raw(errno) })
        }
        Ok(_) => Ok(()),
        Err(error) => {
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
            Err(SpawnError { step: "read the start status", errno })
        }
    }
}

fn read_all(from: &mut std::fs::File, into: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < into.len() {
        match from.read(&mut into[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// What the child needs: plain numbers and pointers into memory that the clone copied.
struct Child<'a> {
    join: &'a [RawFd],
    enter: &'a [RawFd],
    namespaces: u64,
    born: RawFd,
    go: RawFd,
    go_of_harness: RawFd,
    status: RawFd,
    stream: RawFd,
    errors: RawFd,
    become_root: bool,
    unshare_cgroup: bool,
    program: &'a CStr,
    arguments: &'a [*const libc::c_char],
}

impl Child<'_> {
    /// Runs in the child, between clone and exec: async-signal-safe calls only (signal-safety(7)).
    fn run(&self) -> ! {
        unblock_signals();
        // SAFETY: setsid takes nothing and touches no memory.
        self.check(SESSION, i64::from(unsafe { libc::setsid() }));
        for &fd in self.join {
            // SAFETY: `fd` is open and the constant is one byte long. "0" names the writer (cgroups(7)).
            let written = unsafe { libc::write(fd, c"0".as_ptr().cast(), 1) };
            self.check(JOIN, written as i64);
        }
        if !self.enter.is_empty() {
            self.enter_and_clone();
        }
        self.wait_for_go();
        if self.become_root {
            self.set_ids_to_root();
        }
        if self.unshare_cgroup {
            // SAFETY: unshare takes a flag and touches no memory.
            self.check(UNSHARE_CGROUP, i64::from(unsafe { libc::unshare(libc::CLONE_NEWCGROUP) }));
        }
        for (from, to) in [(self.stream, 0), (self.stream, 1), (self.errors, 2)] {
            // SAFETY: dup2 takes two numbers; the harness's own 0, 1 and 2 belong to this process alone by now.
            self.check(STREAMS, i64::from(unsafe { libc::dup2(from, to) }));
        }
        let environment: [*const libc::c_char; 1] = [ptr::null()];
        // SAFETY: program, arguments and environment are NUL-terminated strings in arrays that end with a null.
        let result = unsafe {
            libc::execve(self.program.as_ptr(), self.arguments.as_ptr(), environment.as_ptr())
        };
        self.check(EXEC, i64::from(result));
        // SAFETY: _exit takes a number and does not return.
        unsafe { libc::_exit(127) }
    }

    /// Enters the namespaces and makes a process there, which returns from here; the process that entered ends.
    fn enter_and_clone(&self) {
        for &fd in self.enter {
            // SAFETY: setns takes two numbers; `fd` is open.
            self.check(ENTER, i64::from(unsafe { libc::setns(fd, 0) }));
        }
        // With CLONE_PARENT the signal at its end is that of this process.
        let args = clone_args(self.namespaces | libc::CLONE_PARENT as u64);
        // SAFETY: `args` is a valid clone_args without pointers; without CLONE_VM the child has its own copy of this stack.
        let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) };
        self.check(CLONE_THERE, pid);
        if pid == 0 {
            // SAFETY: setsid takes nothing and touches no memory.
            self.check(SESSION, i64::from(unsafe { libc::setsid() }));
            return;
        }
        let number = pid.to_ne_bytes();
        // SAFETY: `number` is as many readable bytes as its length says.
        let _ = unsafe { libc::write(self.born, number.as_ptr().cast(), number.len()) };
        // SAFETY: _exit takes a number and does not return.
        unsafe { libc::_exit(0) }
    }

    fn set_ids_to_root(&self) {
        // SAFETY: setresgid takes three numbers; the raw call changes this only thread of the child.
        let group = unsafe { libc::syscall(libc::SYS_setresgid, 0, 0, 0) };
        self.check(BECOME_ROOT, group);
        // SAFETY: as above.
        let user = unsafe { libc::syscall(libc::SYS_setresuid, 0, 0, 0) };
        self.check(BECOME_ROOT, user);
    }

    /// Blocks until the harness has written the maps. The end of the pipe means that the harness is gone.
    fn wait_for_go(&self) {
        // The child's own copy of the writing end would keep the pipe open for ever.
        // SAFETY: close takes a number; this copy of the descriptor belongs to the child alone.
        unsafe { libc::close(self.go_of_harness) };
        let mut byte = [0_u8; 1];
        // SAFETY: `byte` is one writable byte.
        let count = unsafe { libc::read(self.go, byte.as_mut_ptr().cast(), 1) };
        if count != 1 {
            // SAFETY: _exit takes a number and does not return.
            unsafe { libc::_exit(126) }
        }
    }

    /// Reports a failed step through the status pipe, which exec would have closed, and ends.
    fn check(&self, step: u8, result: i64) {
        if result >= 0 {
            return;
        }
        let errno = Errno::last_raw().to_ne_bytes();
        let failure = [step, errno[0], errno[1], errno[2], errno[3]];
        // SAFETY: `failure` is five readable bytes.
        let _ = unsafe { libc::write(self.status, failure.as_ptr().cast(), failure.len()) };
        // SAFETY: _exit takes a number and does not return.
        unsafe { libc::_exit(127) }
    }
}

/// The harness blocks signals to read them from a descriptor; the mask would survive exec.
fn unblock_signals() {
    let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset fills the set that it is given.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: `none` was filled above, and the old mask is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut()) };
}
