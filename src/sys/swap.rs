//! Swap areas: swapon(2).

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

/// Uses a device that holds a swap area.
///
/// # Errors
/// The errno of swapon(2): `EINVAL` for a device without a swap area, `EPERM` without `CAP_SYS_ADMIN`.
pub fn on(device: &Path) -> Result<(), Errno> {
    let path = CString::new(device.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: `path` is a NUL-terminated string that lives until the call returns.
    Errno::result(unsafe { libc::swapon(path.as_ptr(), 0) }).map(drop)
}
