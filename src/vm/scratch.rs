//! Files without a name: they are gone with the last descriptor, however the harness ends.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// A file on the disk of temporary files; in memory where its file system has none without a name (open(2), `O_TMPFILE`).
///
/// # Errors
/// Neither could be made.
pub fn scratch_file() -> io::Result<File> {
    let on_disk = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_TMPFILE)
        .mode(0o600)
        .open(std::env::temp_dir());
    match on_disk {
        Ok(file) => Ok(file),
        Err(_) => in_memory(c"contain-test-scratch", &[]),
    }
}

/// A file in memory with these contents.
///
/// # Errors
/// No memory.
pub fn in_memory(name: &CStr, contents: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?);
    file.write_all(contents)?;
    Ok(file)
}
