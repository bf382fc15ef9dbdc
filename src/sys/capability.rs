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

/// Empties the inheritable, permitted and effective sets.
///
/// # Errors
/// The errno of capset(2).
pub fn drop_all() -> Result<(), Errno> {
    /// `_LINUX_CAPABILITY_VERSION_3` of linux/capability.h.
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0];
    let sets = [0_u32; 6];
    // SAFETY: version 3 reads a header of two words and two structures of three words each, as laid out here.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    Errno::result(result).map(drop)
}
