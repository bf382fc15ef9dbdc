//! What the files below `/proc` and `/sys` tell a sandbox.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a file tells whom.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelClass {
    /// The host's unprivileged users read something, and no sandbox does.
    Masked,
    /// Sandboxes read something of their own.
    Private,
    /// Everybody reads the same, and it does not change: it tells what machine it is.
    SharedStatic,
    /// Everybody reads the same, and it changes: it may tell what others do.
    SharedVarying,
}

impl ChannelClass {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Masked, Self::Private, Self::SharedStatic, Self::SharedVarying];

    /// The word itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Private => "private",
            Self::SharedStatic => "shared-static",
            Self::SharedVarying => "shared-varying",
        }
    }
}

/// Which files below `/proc` and `/sys` tell a sandbox something of others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Channels {
    /// How many files there are of each class.
    pub counts: BTreeMap<ChannelClass, u64>,
    /// The class of each file that anybody reads something from.
    pub files: BTreeMap<String, ChannelClass>,
    /// What a neighbour planted, and who found it.
    pub canaries: Vec<Canary>,
}

/// Something that a sandbox did, and whether it shows in a file that others read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Canary {
    /// The file.
    pub file: String,
    /// What was done.
    pub what: String,
    /// Whether the neighbour's sandbox found it.
    pub neighbour: bool,
    /// Whether the host did.
    pub host: bool,
}
