//! Tests that need injected faults: a panic at a named point, a slowed probe, fewer pairs. Built with the feature
//! `inject` alone: `cargo test --release --features inject --test inject`.

#[path = "../serial/mod.rs"]
mod serial;

mod attackers;
mod endings;
mod exit_codes;
mod faults;
mod judge;

use std::process::ExitCode;

fn main() -> ExitCode {
    serial::run_suite(
        &[
            ("a_signal_in_any_phase_leaves_nothing", endings::signals),
            ("a_panic_in_any_phase_leaves_nothing", endings::panics),
            ("phases_come_in_their_order", endings::order),
            ("every_exit_code_in_every_format", exit_codes::all),
            ("a_probe_slowed_to_double_is_found", judge::double),
            ("every_step_of_a_case_fails_once_and_leaves_nothing", faults::set_up_of_a_case),
            (
                "every_step_of_a_tear_down_fails_once_and_leaves_nothing",
                faults::tear_down_of_a_case,
            ),
            ("every_step_of_a_run_fails_once_and_leaves_nothing", faults::the_run_itself),
            ("a_run_makes_the_changes_that_its_dry_run_names", faults::dry_run_and_record_agree),
            ("the_machine_does_not_notice_any_attacker", attackers::unnoticed),
        ],
        1,
    )
}
