//! What of the rules can be changed from outside.

use std::collections::BTreeMap;

use super::tolerance::tolerance_of;
use crate::scenario::Resource;

/// Rules that differ from the documented ones; the default changes nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// Tolerances of single resources, as shares: 0.25 is 25 %.
    pub tolerances: BTreeMap<Resource, f64>,
}

impl Rules {
    /// The tolerance of everything measured on a resource.
    #[must_use]
    pub fn tolerance_of(&self, resource: Resource) -> f64 {
        self.tolerances.get(&resource).copied().unwrap_or_else(|| tolerance_of(resource))
    }

    /// The lowest `rate_on / rate_off` that still counts as contained on a resource.
    #[must_use]
    pub fn capacity_tolerance(&self, resource: Resource) -> f64 {
        1.0 - self.tolerance_of(resource)
    }
}
