//! Which kinds of namespace this machine offers, and what its administrator or distribution forbids.

use super::Roots;
use crate::scenario::NamespaceKind;

/// What is known of one kind of namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceSupport {
    /// The kind.
    pub kind: NamespaceKind,
    /// Whether the kernel has it: `/proc/self/ns/KIND` exists.
    pub in_kernel: bool,
    /// `user.max_KIND_namespaces`; `None` on kernels before 4.9, which have no such limit.
    pub max: Option<u64>,
}

impl NamespaceSupport {
    /// True when new ones can be made as far as these two facts tell.
    #[must_use]
    pub fn available(&self) -> bool {
        self.in_kernel && self.max != Some(0)
    }
}

/// What is known of all eight kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// One entry for each kind, in the order of [`NamespaceKind::ALL`].
    pub kinds: Vec<NamespaceSupport>,
    /// `kernel.unprivileged_userns_clone` is 0: a patch of Debian and others.
    pub unprivileged_clone_forbidden: bool,
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1 and no profile is in force that could allow it: Ubuntu since 23.10.
    pub apparmor_restricted: bool,
}

impl Namespaces {
    /// Looks at `/proc/self/ns` and `/proc/sys`, namespaces(7); what cannot be read counts as absent.
    #[must_use]
    pub fn read(roots: &Roots) -> Self {
        let number = |file: &str| {
            roots.read_proc(file).ok().and_then(|text| text.trim().parse::<u64>().ok())
        };
        let kinds = NamespaceKind::ALL
            .into_iter()
            .map(|kind| NamespaceSupport {
                kind,
                // The entries are links to no real path: look at the link, do not follow it.
                in_kernel: roots.proc.join("self/ns").join(kind.name()).symlink_metadata().is_ok(),
                max: number(&format!("sys/user/max_{}_namespaces", kind.name())),
            })
            .collect();
        Self {
            kinds,
            unprivileged_clone_forbidden: number("sys/kernel/unprivileged_userns_clone") == Some(0),
            // A program with a profile of its own may be allowed what others are not.
            apparmor_restricted: number("sys/kernel/apparmor_restrict_unprivileged_userns")
                == Some(1)
                && roots
                    .read_proc("self/attr/current")
                    .map_or(true, |label| label.trim().starts_with("unconfined")),
        }
    }

    /// The command that lifts the first of those settings, run by root.
    #[must_use]
    pub const fn remedy(&self) -> Option<&'static str> {
        if self.unprivileged_clone_forbidden {
            Some("`sudo sysctl -w kernel.unprivileged_userns_clone=1`")
        } else if self.apparmor_restricted {
            Some("`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`")
        } else {
            None
        }
    }

    /// The settings that keep users without privileges from making user namespaces, as `sysctl` lines; they do not
    /// bind root.
    #[must_use]
    pub fn restrictions(&self) -> Vec<&'static str> {
        let mut lines = Vec::new();
        if self.unprivileged_clone_forbidden {
            lines.push("kernel.unprivileged_userns_clone=0");
        }
        if self.apparmor_restricted {
            lines.push("kernel.apparmor_restrict_unprivileged_userns=1");
        }
        lines
    }
}
