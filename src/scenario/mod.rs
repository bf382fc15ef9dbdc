//! Scenarios: YAML to a typed model, with every error located. This room never looks at the machine.

mod model;

pub use model::*;
