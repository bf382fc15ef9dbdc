//! Tests that need injected faults: a panic at a named point, a slowed probe, fewer pairs. Built with the feature
//! `inject` alone: `cargo test --release --features inject --test inject`.

#[path = "../serial/mod.rs"]
mod serial;

mod endings;
mod exit_codes;
mod judge;

use std::process::ExitCode;

fn main() -> ExitCode {
    serial::run_suite(&[
        ("a_signal_in_any_phase_leaves_nothing", endings::signals),
        ("a_panic_in_any_phase_leaves_nothing", endings::panics),
        ("phases_come_in_their_order", endings::order),
        ("every_exit_code_in_every_format", exit_codes::all),
        ("a_probe_slowed_to_double_is_found", judge::double),
    ])
}
