//! The filter of system calls that sandboxes get by default (seccomp(2), `SECCOMP_SET_MODE_FILTER`).
//!
//! Engines allow a list of calls and refuse all others. Of a process without capabilities that list leaves out what is refused here, by
//! name. The difference is what nobody has named yet: a call that a later kernel brings is allowed here and refused by an engine
//! whose list is older. What an engine allows only with a capability is refused, since a sandbox has none
//! (the profile of Docker: moby, profiles/seccomp/default.json).

use std::collections::BTreeMap;

use nix::errno::Errno;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::sys::filter;

/// Refused with `EPERM` whatever the arguments, on every architecture.
const REFUSED: &[libc::c_long] = &[
    // Accounting, clocks, host names, quotas, swap and the end of the machine.
    libc::SYS_acct,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // Keys are not namespaced.
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    // Programs in the kernel, and other kernels.
    libc::SYS_bpf,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    // Large and often broken, or a help in breaking others.
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    // Files by handle, and events of whole file systems.
    libc::SYS_fanotify_init,
    libc::SYS_open_by_handle_at,
    // Mounts and namespaces.
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    // Where memory lies.
    libc::SYS_get_mempolicy,
    libc::SYS_mbind,
    libc::SYS_move_pages,
    libc::SYS_set_mempolicy,
];

/// The same, of x86 alone.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[libc::c_long] =
    &[libc::SYS_ioperm, libc::SYS_iopl, libc::SYS_sysfs, libc::SYS_uselib, libc::SYS_ustat];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[libc::c_long] = &[];

/// The flags of clone(2) that make namespaces: each is refused. A time namespace has none, for its bit belongs to the signal to
/// send at exit: it takes clone3 or unshare.
const NEW_NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// What personality(2) may be asked for: Linux as it is, with the names of 2.6, with fixed addresses, and what it is now.
const PERSONALITIES: [u64; 5] = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// The bit of system calls of the x32 ABI, which have the numbers of x86-64 otherwise.
#[cfg(target_arch = "x86_64")]
const X32: Option<i64> = Some(0x4000_0000);
#[cfg(not(target_arch = "x86_64"))]
const X32: Option<i64> = None;

/// Refuses this thread, and all that it starts, what engines refuse by default. Needs `no_new_privs` or `CAP_SYS_ADMIN`.
///
/// # Errors
/// `EINVAL` on a kernel without seccomp filters, or what the kernel says.
pub fn load() -> Result<(), Errno> {
    for program in programs().map_err(|_| Errno::EINVAL)? {
        let instructions: Vec<filter::Instruction> =
            program.iter().map(|it| (it.code, it.jt, it.jf, it.k)).collect();
        filter::load(&instructions)?;
    }
    Ok(())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Two filters: the kernel asks both, and the stricter answer counts.
fn programs() -> Result<[BpfProgram; 2], seccompiler::BackendError> {
    let mut absent = Rules::new();
    // A filter cannot look at the flags of clone3, which lie in memory. A kernel without it makes libraries fall back to clone.
    refuse(&mut absent, libc::SYS_clone3, Vec::new());
    Ok([program(refused()?, libc::EPERM)?, program(absent, libc::ENOSYS)?])
}

fn program(rules: Rules, errno: libc::c_int) -> Result<BpfProgram, seccompiler::BackendError> {
    let errno = SeccompAction::Errno(errno.unsigned_abs());
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, errno, arch)?.try_into()
}

fn refused() -> Result<Rules, seccompiler::BackendError> {
    let mut rules = Rules::new();
    for &call in REFUSED.iter().chain(REFUSED_HERE) {
        refuse(&mut rules, call, Vec::new());
    }
    let mut namespaces = Vec::new();
    for flag in NEW_NAMESPACES {
        let flag = u64::from(flag.unsigned_abs());
        namespaces.push(rule(vec![(SeccompCmpOp::MaskedEq(flag), flag)])?);
    }
    refuse(&mut rules, libc::SYS_clone, namespaces);
    let others = PERSONALITIES.map(|allowed| (SeccompCmpOp::Ne, allowed)).to_vec();
    refuse(&mut rules, libc::SYS_personality, vec![rule(others)?]);
    // Sockets to the hypervisor know no network namespace (vsock(7)).
    let vsock = vec![(SeccompCmpOp::Eq, u64::from(libc::AF_VSOCK.unsigned_abs()))];
    refuse(&mut rules, libc::SYS_socket, vec![rule(vsock)?]);
    Ok(rules)
}

/// Refuses a call where one of the rules fits; without rules, always.
fn refuse(all: &mut Rules, call: libc::c_long, rules: Vec<SeccompRule>) {
    if let Some(bit) = X32 {
        all.insert(call | bit, rules.clone());
    }
    all.insert(call, rules);
}

/// A rule on the first argument, which fits when all comparisons hold.
fn rule(comparisons: Vec<(SeccompCmpOp, u64)>) -> Result<SeccompRule, seccompiler::BackendError> {
    let conditions: Result<Vec<_>, _> = comparisons
        .into_iter()
        .map(|(operator, value)| SeccompCondition::new(0, SeccompCmpArgLen::Dword, operator, value))
        .collect();
    SeccompRule::new(conditions?)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use nix::sched::{CloneFlags, unshare};
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

    use super::*;

    /// A filter is a thread's own, and cannot be taken off again.
    fn filtered<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> T {
        let asked = thread::spawn(|| {
            crate::sys::process::no_new_privileges().expect("any kernel");
            load().expect("a kernel with seccomp filters");
            ask()
        });
        asked.join().expect("no panic")
    }

    #[test]
    fn a_filtered_thread_makes_no_namespace_and_no_mount() {
        let (namespace, mount) = filtered(|| {
            let none: Option<&str> = None;
            let flags = nix::mount::MsFlags::MS_PRIVATE;
            (unshare(CloneFlags::CLONE_NEWUSER), nix::mount::mount(none, "/", none, flags, none))
        });
        assert_eq!((namespace, mount), (Err(Errno::EPERM), Err(Errno::EPERM)));
    }

    #[test]
    fn arguments_are_looked_at() {
        let (vsock, unix) = filtered(|| {
            let socket =
                |family| socket(family, SockType::Stream, SockFlag::empty(), None).map(drop);
            (socket(AddressFamily::Vsock), socket(AddressFamily::Unix))
        });
        assert_eq!((vsock, unix), (Err(Errno::EPERM), Ok(())));
    }

    #[test]
    fn ordinary_work_goes_on() {
        let line = filtered(|| {
            let child = thread::spawn(|| std::fs::read_to_string("/proc/thread-self/status"));
            child.join().expect("threads can be made without clone3").expect("a file")
        });
        assert!(line.contains("Seccomp:\t2"), "children inherit it: {line}");
    }
}
