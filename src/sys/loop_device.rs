//! Loop devices: a file as a block device, loop(4).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use nix::errno::Errno;

/// Where free devices are asked for.
pub const CONTROL: &str = "/dev/loop-control";

/// Requests and flags of linux/loop.h.
const LOOP_CLR_FD: u32 = 0x4C01;
const LOOP_CONFIGURE: u32 = 0x4C0A;
const LOOP_CTL_GET_FREE: u32 = 0x4C82;
const LO_FLAGS_AUTOCLEAR: u32 = 4;
const LO_FLAGS_DIRECT_IO: u32 = 16;

/// How often a free device may be taken by somebody else before it is used.
const TRIES: usize = 16;

/// `struct loop_info64` of linux/loop.h.
#[repr(C)]
struct Info {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// `struct loop_config` of linux/loop.h.
#[repr(C)]
struct Config {
    fd: u32,
    block_size: u32,
    info: Info,
    reserved: [u64; 8],
}

/// A loop device that somebody holds open. It is detached once nobody uses it any more: neither this nor a mount.
#[derive(Debug)]
pub struct LoopDevice {
    /// Which one: 3 for `/dev/loop3`.
    pub number: u32,
    file: File,
}

impl LoopDevice {
    /// Attaches a file to a free device, which the kernel detaches by itself after its last use. With direct I/O where the file's file system
    /// has it; the kernel falls back to buffered I/O by itself or refuses, and then buffered I/O is asked for.
    ///
    /// # Errors
    /// The errno of open(2) or ioctl(2): `EINVAL` or `ENOTTY` before Linux 5.8.
    pub fn attach(image: &File) -> io::Result<Self> {
        let mut last = io::Error::from(Errno::EBUSY);
        for _ in 0..TRIES {
            let number = free()?;
            let file = OpenOptions::new().read(true).write(true).open(path_of(number))?;
            match configure(&file, image, true).or_else(|errno| match errno {
                Errno::EBUSY => Err(errno),
                _ => configure(&file, image, false),
            }) {
                Ok(()) => return Ok(Self { number, file }),
                // Somebody else was faster.
                Err(Errno::EBUSY) => last = Errno::EBUSY.into(),
                Err(errno) => return Err(errno.into()),
            }
        }
        Err(last)
    }

    /// The device's file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        path_of(self.number)
    }

    /// Detaches the file now, or as soon as the last mount of it is gone.
    ///
    /// # Errors
    /// `ENXIO` when nothing is attached any more.
    pub fn detach(&self) -> Result<(), Errno> {
        clear(&self.file)
    }
}

/// Detaches whatever file a device has, now or as soon as its last user is gone.
///
/// # Errors
/// The errno of open(2) or ioctl(2); `ENXIO` when there is nothing attached.
pub fn detach(number: u32) -> io::Result<()> {
    let file = OpenOptions::new().read(true).open(path_of(number))?;
    Ok(clear(&file)?)
}

fn path_of(number: u32) -> PathBuf {
    PathBuf::from(format!("/dev/loop{number}"))
}

fn free() -> io::Result<u32> {
    let control = OpenOptions::new().read(true).write(true).open(CONTROL)?;
    // SAFETY: LOOP_CTL_GET_FREE takes no argument and touches no memory.
    let number =
        Errno::result(unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE as _) })?;
    u32::try_from(number).map_err(|_| Errno::ENODEV.into())
}

fn clear(device: &File) -> Result<(), Errno> {
    // SAFETY: LOOP_CLR_FD takes no argument and touches no memory.
    Errno::result(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CLR_FD as _) }).map(drop)
}

fn configure(device: &File, image: &File, direct: bool) -> Result<(), Errno> {
    // SAFETY: all bytes of the structure are numbers, of which zero is one.
    let mut config: Config = unsafe { std::mem::zeroed() };
    config.fd = u32::try_from(image.as_raw_fd()).map_err(|_| Errno::EBADF)?;
    config.info.flags = LO_FLAGS_AUTOCLEAR | if direct { LO_FLAGS_DIRECT_IO } else { 0 };
    // SAFETY: LOOP_CONFIGURE reads one `struct loop_config`, which is what `config` is laid out as.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE as _, &raw const config) };
    Errno::result(result).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_as_large_as_the_kernels() {
        assert_eq!(size_of::<Info>(), 232);
        assert_eq!(size_of::<Config>(), 304);
    }
}
