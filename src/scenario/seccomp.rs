//! Which system calls a sandbox may make.

use serde::{Deserialize, Serialize};

/// The filter of a sandbox's system calls, by the words of container engines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seccomp {
    /// What engines refuse by default is refused.
    #[default]
    Default,
    /// No filter.
    Unconfined,
}

impl Seccomp {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Default, Self::Unconfined];

    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Unconfined => "unconfined",
        }
    }
}
