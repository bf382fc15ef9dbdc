//! A program of others as victim: what serves, and how it is asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A service that runs in the victim's sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// How it is asked.
    pub check: ServiceCheck,
}

/// How a service is asked, over the loopback of its sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceCheck {
    /// A connection is made and closed again.
    Tcp {
        /// The port.
        port: u16,
    },
    /// A page is asked for.
    Http {
        /// The port.
        port: u16,
        /// The path, which begins with a slash.
        path: String,
        /// The status of a good answer.
        status: u16,
    },
}

/// The operation of the probe that asks a service: its name is `RESOURCE/service`, with the own resource of the attack.
pub const SERVICE_OPERATION: &str = "service";
