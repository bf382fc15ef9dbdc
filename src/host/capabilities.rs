//! The capabilities of this process, by name.

use super::{HostError, Roots, status};
use crate::scenario::CAPABILITY_NAMES;

/// The capabilities of this process, capabilities(7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Names of the effective set, in the order of the bits.
    pub effective: Vec<String>,
    /// Names of the bounding set: what could be regained by executing a file.
    pub bounding: Vec<String>,
}

impl Capabilities {
    /// Reads `CapEff` and `CapBnd` of `/proc/self/status`.
    ///
    /// # Errors
    /// [`HostError::Unreadable`] or [`HostError::Unexpected`].
    pub fn read(roots: &Roots) -> Result<Self, HostError> {
        let status = roots.read_proc("self/status")?;
        Ok(Self { effective: set(&status, "CapEff")?, bounding: set(&status, "CapBnd")? })
    }

    /// True when the named capability (lower case, without `cap_`) is effective.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.effective.iter().any(|capability| capability == name)
    }
}

fn set(status: &str, field: &str) -> Result<Vec<String>, HostError> {
    let value = status::field(status, field).unwrap_or_default();
    let bits = u64::from_str_radix(&value, 16).map_err(|_| HostError::Unexpected {
        file: format!("/proc/self/status {field}"),
        value,
        expected: "a hexadecimal set of capabilities",
    })?;
    Ok(names(bits))
}

/// Names of the bits that are set; bits that newer kernels add are named `cap_NUMBER`.
#[must_use]
pub fn names(bits: u64) -> Vec<String> {
    (0..64_usize)
        .filter(|bit| bits >> bit & 1 == 1)
        .map(|bit| {
            CAPABILITY_NAMES.get(bit).map_or_else(|| format!("cap_{bit}"), |&name| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_have_the_kernels_names() {
        assert_eq!(names(1), ["chown"]);
        assert_eq!(names(1 << 21 | 1 << 40), ["sys_admin", "checkpoint_restore"]);
        assert_eq!(names(1 << 41), ["cap_41"]);
        let without_resource = names(0x01ff_feff_ffff);
        assert!(!without_resource.iter().any(|name| name == "sys_resource"));
        assert_eq!(without_resource.len(), 40);
    }
}
