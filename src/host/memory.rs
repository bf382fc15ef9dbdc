//! Memory and swap, from `/proc/meminfo`.

use super::{HostError, Roots};

/// Memory of the machine, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// `MemTotal`.
    pub total_bytes: u64,
    /// `MemAvailable`: what can be had without swapping, by the kernel's estimate.
    pub available_bytes: u64,
    /// `SwapTotal`; 0 without swap.
    pub swap_bytes: u64,
}

impl Memory {
    /// Reads `/proc/meminfo`, proc_meminfo(5), whose `kB` are 1024 bytes.
    ///
    /// # Errors
    /// [`HostError::Unreadable`], or [`HostError::Unexpected`] without `MemTotal` or `MemAvailable`.
    pub fn read(roots: &Roots) -> Result<Self, HostError> {
        let meminfo = roots.read_proc("meminfo")?;
        let needed = |name: &str| {
            field(&meminfo, name).ok_or_else(|| HostError::Unexpected {
                file: format!("/proc/meminfo {name}"),
                value: String::new(),
                expected: "a size in kB",
            })
        };
        Ok(Self {
            total_bytes: needed("MemTotal")?,
            available_bytes: needed("MemAvailable")?,
            swap_bytes: field(&meminfo, "SwapTotal").unwrap_or(0),
        })
    }
}

fn field(meminfo: &str, name: &str) -> Option<u64> {
    let value = super::status::field(meminfo, name)?;
    value.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
