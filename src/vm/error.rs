//! What can go wrong before a guest runs, always with the file.

use std::io;
use std::path::PathBuf;

/// An error of this room.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// The emulator is not installed.
    #[error(
        "a throwaway guest needs `{program}`, which is not in PATH; remedy: `apt-get install {package}`"
    )]
    NoEmulator {
        /// The program looked for.
        program: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// Nobody has written down how guests of this architecture are made.
    #[error("throwaway guests are made on x86_64 alone in this version, and this is {0}")]
    Architecture(String),
    /// There is no kernel to boot.
    #[error(
        "no kernel for the guest: there is no {tried}; remedy: `apt-get download linux-image-cloud-amd64`'s package (the one \
         it depends on) and give it as `--kernel FILE.deb`, or any `vmlinuz`"
    )]
    NoKernel {
        /// What was looked for.
        tried: String,
    },
    /// A kernel cannot be used.
    #[error("cannot use the kernel {}: {reason}", path.display())]
    Kernel {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A module that the guest cannot do without is not there.
    #[error(
        "the guest needs the kernel module `{module}` of {release}, which is {found}; remedy: `--modules DIR`, the folder of that release"
    )]
    NoModule {
        /// The module.
        module: String,
        /// The kernel's release.
        release: String,
        /// Where was looked, and with what result.
        found: String,
    },
    /// A program that makes the guest's disk is not installed, or failed.
    #[error("cannot make the guest's disk: {0}")]
    Disk(String),
    /// A signal asked for the end before the guest was begun.
    #[error("stopped by signal {0}")]
    Stopped(i32),
    /// Something of the host failed.
    #[error("cannot {action}: {source}")]
    Host {
        /// What was tried.
        action: String,
        /// Why.
        source: io::Error,
    },
}

impl VmError {
    /// True when the machine lacks what was asked for: then cases are skipped, and nobody did anything wrong.
    #[must_use]
    pub const fn is_lack(&self) -> bool {
        !matches!(self, Self::Host { .. })
    }

    /// The same error for another guest.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::NoEmulator { program, package } => Self::NoEmulator { program, package },
            Self::Architecture(arch) => Self::Architecture(arch.clone()),
            other => Self::Host {
                action: "prepare a guest".to_owned(),
                source: io::Error::other(other.to_string()),
            },
        }
    }

    /// For `map_err`: something of the host that failed.
    pub(super) fn host<E: Into<io::Error>>(action: impl Into<String>) -> impl FnOnce(E) -> Self {
        let action = action.into();
        move |source| Self::Host { action, source: source.into() }
    }
}
