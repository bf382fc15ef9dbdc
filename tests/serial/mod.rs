//! What kernel tests share: the program under a hard time limit, its events, and a look at what is left after each test.

#![allow(dead_code, unused_imports, reason = "each test program uses a part of it")]

mod machine;
mod program;
mod shipped;
mod suite;

pub use machine::{
    attacker_of, find_guardian_of, guardian_of, host_namespace, is_emulated, is_init, namespace_of,
    run_group, workers_of,
};
pub use program::{Ended, Program, quick_record_of, record_of};
pub use shipped::{shipped, shipped_quick};
pub use suite::{Test, leftovers, run_suite, tries};
