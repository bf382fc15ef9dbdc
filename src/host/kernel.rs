//! The kernel's release and architecture, and comparing releases.

use super::{HostError, Roots};

/// The running kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The release, as `uname -r` prints it, such as `6.18.44-generic`.
    pub release: String,
    /// The architecture, as `uname -m` prints it, such as `x86_64`.
    pub arch: String,
}

impl Kernel {
    /// Reads `/proc/sys/kernel/osrelease` and `arch`, which are what uname(2) answers.
    ///
    /// The file `arch` exists since Linux 6.1; before, it is the architecture this program was built for.
    ///
    /// # Errors
    /// [`HostError::Unreadable`] when procfs is not mounted.
    pub fn read(roots: &Roots) -> Result<Self, HostError> {
        let release = roots.read_proc("sys/kernel/osrelease")?.trim().to_owned();
        let arch = roots
            .read_proc("sys/kernel/arch")
            .map_or_else(|_| std::env::consts::ARCH.to_owned(), |arch| arch.trim().to_owned());
        Ok(Self { release, arch })
    }

    /// True when this kernel's version is `major.minor` or newer; false when the release cannot be read as a version.
    ///
    /// Distributions backport features, so an old version does not prove that a feature is missing: ask only where
    /// there is no file to look for.
    #[must_use]
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        version(&self.release).is_some_and(|version| version >= (major, minor, 0))
    }
}

/// Reads the version at the start of a kernel release: `6.18.44-xyz` is `(6, 18, 44)`, `5.18` and `5.18-rc1` are
/// `(5, 18, 0)`. `None` when there are not two numbers.
#[must_use]
pub fn version(release: &str) -> Option<(u32, u32, u32)> {
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
    let mut numbers = release[..end].split('.').filter(|part| !part.is_empty()).map(str::parse);
    let major = numbers.next()?.ok()?;
    let minor = numbers.next()?.ok()?;
    let patch = match numbers.next() {
        Some(number) => number.ok()?,
        None => 0,
    };
    Some((major, minor, patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_compare_as_numbers() {
        assert_eq!(version("6.18.44-fc-v769"), Some((6, 18, 44)));
        assert_eq!(version("5.18"), Some((5, 18, 0)));
        assert_eq!(version("5.18-rc1"), Some((5, 18, 0)));
        assert_eq!(version("5.4.0-1103-aws"), Some((5, 4, 0)));
        assert!(version("6.18.44") > version("6.2.0"));
        assert_eq!(version("linux"), None);
        assert_eq!(version("6"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn at_least_counts_the_version_itself() {
        let kernel = Kernel { release: "5.18.0".into(), arch: "x86_64".into() };
        assert!(kernel.at_least(5, 18) && kernel.at_least(4, 20));
        assert!(!kernel.at_least(5, 19) && !kernel.at_least(6, 0));
    }
}
