//! Tests in throwaway guests. They need QEMU and a kernel, given as `CONTAIN_TEST_VM_KERNEL` or found in /boot; without, they are skipped
//! with the reason, and fail under `CONTAIN_TEST_MUST_RUN=1`. Nothing of them runs on the host but QEMU.
//!
//! `cargo test --release --test vm`; one at a time, because guests share the host's CPUs.

#[path = "../serial/mod.rs"]
mod serial;

mod axes;
mod docs;
mod endings;
mod guest;
mod limits;
mod losses;
mod priority;
mod programs;
mod rootless;
mod sabotage;
mod selftests;
mod shipped;
mod unready;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A named test. Those that return a reason could not run.
type Test = (&'static str, fn() -> Option<String>);

const TESTS: &[Test] = &[
    ("every_shipped_scenario_holds_on_both_versions", shipped::in_both_versions),
    ("the_cgroup_version_is_an_axis_of_the_report", axes::cgroup_versions),
    ("a_packaged_kernel_brings_the_modules_for_swap_and_disk", axes::package_swap_and_disk),
    ("every_limit_of_cgroup_v2_is_in_force_and_proved", limits::of_version_2),
    ("a_storm_of_syncs_has_a_guest_of_its_own", limits::storm_of_syncs),
    ("a_group_gives_traffic_its_priority", priority::of_traffic),
    ("a_fork_bomb_without_a_node_meets_the_kernels_own_tables", losses::unguarded_fork_bomb),
    ("a_memory_eater_without_a_node_meets_the_oom_killer", losses::unguarded_memory_eater),
    ("descriptors_without_a_node_fill_the_table_of_the_system", losses::unguarded_descriptors),
    ("a_guest_that_is_killed_is_lost_and_the_rest_runs_in_another", losses::killed_from_outside),
    ("a_guest_that_panics_under_attack_is_lost_with_its_last_words", losses::panics),
    ("a_guest_that_hangs_is_lost_within_its_time_limit", losses::hangs),
    ("a_kernel_that_panics_at_boot_is_an_error_with_its_last_words", unready::panics_at_boot),
    ("a_kernel_that_never_comes_up_is_an_error_within_its_time_limit", unready::hangs_at_boot),
    ("a_kernel_without_a_controller_skips_with_the_reason", unready::lacks_a_controller),
    ("a_kernel_without_any_other_controller_skips_too", sabotage::without_a_controller),
    ("swap_left_open_beside_a_limit_of_memory_is_breached", sabotage::swap_open_in_the_scenario),
    ("swap_opened_behind_its_back_is_breached", sabotage::swap_opened_behind_its_back),
    ("limits_ten_times_too_high_are_breached", sabotage::ten_times_too_high),
    ("a_kernel_without_a_second_serial_port_says_so", unready::lacks_a_port),
    ("a_kernel_without_a_needed_module_says_so", unready::lacks_a_module),
    ("an_interrupt_ends_the_guest_and_says_130", endings::interrupt),
    ("a_termination_while_the_guest_boots_says_143", endings::termination_at_boot),
    ("a_guest_dies_with_a_harness_that_is_killed", endings::harness_killed),
    ("doctor_finds_a_guest_fit_in_every_mode", programs::doctor),
    ("a_user_with_a_delegated_cgroup_runs_a_scenario", rootless::whole),
    ("what_a_user_lacks_is_mended_by_the_command_that_is_named", rootless::mended_system),
    ("what_is_not_delegated_is_mended_by_the_command_that_is_named", rootless::mended_delegation),
    ("a_user_is_told_that_version_1_is_for_root", rootless::version_1),
    ("what_needs_root_is_skipped_and_the_rest_runs_without", rootless::what_needs_root),
    ("a_killed_run_of_a_user_leaves_nothing", rootless::killed),
    ("commands_of_the_documentation_that_need_a_guest_work", docs::commands),
    ("the_kernel_tests_pass_in_a_guest", programs::kernel_tests),
];

/// Needs programs that nobody else needs, and is there for who has them (`tests/selftests.sh`).
const SELFTESTS: Test = ("the_kernels_own_selftests_agree_with_ours", selftests::beside_ours);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let must_run = std::env::var("CONTAIN_TEST_MUST_RUN").is_ok_and(|value| value == "1");
    let asked_for = std::env::var_os("CONTAIN_TEST_SELFTESTS").map(|_| SELFTESTS);
    let trials = TESTS
        .iter()
        .copied()
        .chain(asked_for)
        .map(|(name, test)| {
            Trial::ignorable_test(name, move || {
                let skipped = match guest::reason_not_to_run() {
                    Some(reason) => Some(reason),
                    None => match tried(name, test) {
                        Ok(skipped) => skipped,
                        Err(panic) => return Err(Failed::from(describe(&*panic))),
                    },
                };
                let left = guest::running_guests();
                match skipped {
                    _ if !left.is_empty() => Err(Failed::from(format!("still running: {left:?}"))),
                    None => Ok(Completion::Completed),
                    Some(reason) if must_run => Err(Failed::from(reason)),
                    Some(reason) => Ok(Completion::ignored_with(reason)),
                }
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs a test as often as it may fail: an emulated machine beside other work is now and then slower than every time limit.
#[expect(clippy::print_stderr, reason = "beside the lines of the test runner")]
fn tried(name: &str, test: fn() -> Option<String>) -> std::thread::Result<Option<String>> {
    for _ in 1..serial::tries() {
        match timed(name, test) {
            Err(panic) if guest::running_guests().is_empty() => {
                eprintln!("{name} failed and is tried again: {}", describe(&*panic));
            }
            outcome => return outcome,
        }
    }
    timed(name, test)
}

/// Runs a test, and tells how long it took.
#[expect(clippy::print_stderr, reason = "beside the lines of the test runner")]
fn timed(name: &str, test: fn() -> Option<String>) -> std::thread::Result<Option<String>> {
    let begun = std::time::Instant::now();
    let outcome = std::panic::catch_unwind(test);
    eprintln!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
    outcome
}

fn describe(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned()
}
