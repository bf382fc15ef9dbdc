//! Filters of system calls: seccomp(2).

use nix::errno::Errno;

/// One instruction of a classic BPF program: code, jump if true, jump if false, operand (linux/filter.h).
pub type Instruction = (u16, u8, u8, u32);

/// Loads a filter for the calling thread and all that it starts, for good.
///
/// # Errors
/// `EACCES` without `no_new_privs` and without `CAP_SYS_ADMIN` over the user namespace, `EINVAL` for a program that is none or where the
/// kernel has no filters, `E2BIG` for one that is too long.
pub fn load(program: &[Instruction]) -> Result<(), Errno> {
    let mut filter: Vec<libc::sock_filter> =
        program.iter().map(|&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k }).collect();
    let len = libc::c_ushort::try_from(filter.len()).map_err(|_| Errno::E2BIG)?;
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    // SAFETY: `program` names `len` readable instructions, which live until the call returns; the kernel keeps a copy.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program)
    };
    Errno::result(result).map(drop)
}
