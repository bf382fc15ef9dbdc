//! Capabilities of this process (capabilities(7)).

use nix::errno::Errno;

/// Drops from the bounding set every capability whose number is not in `kept`.
///
/// # Errors
/// `EPERM` without `CAP_SETPCAP`.
pub fn keep_in_bounding_set(kept: &[u8]) -> Result<(), Errno> {
    for number in 0..=63_u8 {
        if kept.contains(&number) {
            continue;
        }
        // SAFETY: PR_CAPBSET_DROP takes a capability's number and no pointers.
        let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(number)) };
        match Errno::result(result) {
            Ok(_) => {}
            // The kernel knows no capability of this number, and none above it.
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Lets the permitted set outlive the next change of user (`PR_SET_KEEPCAPS`).
///
/// # Errors
/// The errno of prctl(2).
pub fn outlive_the_user() -> Result<(), Errno> {
    // SAFETY: PR_SET_KEEPCAPS takes a number and no pointers.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0) }).map(drop)
}

/// Leaves these capabilities, by number, in the inheritable, permitted, effective and ambient sets, and no other. Without any, all
/// sets are empty. Those that the kernel does not know are left out.
///
/// # Errors
/// The errno of capset(2) or prctl(2).
pub fn keep_in_effect(kept: &[u8]) -> Result<(), Errno> {
    /// `_LINUX_CAPABILITY_VERSION_3` of linux/capability.h.
    const VERSION_3: u32 = 0x2008_0522;
    let known: Vec<u8> = kept.iter().copied().filter(|&number| is_known(number)).collect();
    let bits = known.iter().fold(0_u64, |bits, &number| bits | 1_u64 << (number & 63));
    let (low, high) = ((bits & 0xffff_ffff) as u32, (bits >> 32) as u32);
    let header = [VERSION_3, 0];
    // Effective, permitted, inheritable; the lower half of each first.
    let sets = [low, low, low, high, high, high];
    // SAFETY: version 3 reads a header of two words and two structures of three words each, as laid out here.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    Errno::result(result)?;
    for number in known {
        let (raise, number) = (libc::PR_CAP_AMBIENT_RAISE, libc::c_ulong::from(number));
        // SAFETY: PR_CAP_AMBIENT takes numbers and no pointers.
        let result = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, raise, number, 0, 0) };
        Errno::result(result)?;
    }
    Ok(())
}

/// Whether this kernel has a capability of this number.
fn is_known(number: u8) -> bool {
    // SAFETY: PR_CAPBSET_READ takes a capability's number and no pointers.
    let result = unsafe { libc::prctl(libc::PR_CAPBSET_READ, libc::c_ulong::from(number)) };
    result >= 0
}
