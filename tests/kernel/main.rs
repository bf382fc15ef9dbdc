//! Tests on real namespaces and control groups. They start fork bombs, in nodes, one at a time, each under a hard time
//! limit, and after each one a script that shares no code with the tool looks for what is left.

#[path = "../serial/mod.rs"]
mod serial;

mod attribution;
mod clean;
mod cpu;
mod docs;
mod endings;
mod limits;
mod sandboxes;
mod unable;

use std::process::ExitCode;

fn main() -> ExitCode {
    serial::run_suite(&[
        ("the_shipped_fork_bomb_is_denied_open_and_contained_at_64", limits::shipped_pids),
        ("limits_chosen_at_run_time_hold_to_the_task", limits::seven_and_a_hundred),
        ("a_limit_that_is_taken_away_turns_the_verdict", limits::limit_taken_away),
        ("a_limit_raised_during_the_run_is_breached", limits::limit_raised),
        ("a_raised_limit_that_nobody_used_is_breached_too", limits::limit_raised_unused),
        ("an_attacker_process_outside_its_cgroup_is_breached", limits::process_moved_out),
        ("the_textbook_numbers_hold_with_and_without_a_pid_namespace", limits::by_hand),
        ("an_attack_that_hurts_nobody_makes_a_limit_vacuous", limits::faint_attack),
        ("killed_workers_are_started_again_and_counted", limits::killed_workers),
        ("every_limit_is_written_to_the_kernel", limits::every_knob),
        ("cpu_controls_protect_or_only_cap", cpu::shipped),
        ("what_the_victim_loses_is_what_the_attacker_received", cpu::loss_is_what_was_received),
        ("a_quota_that_real_time_tasks_pass_is_breached", cpu::quota_defeated_by_real_time),
        ("a_quota_whose_period_changed_is_breached", cpu::quota_defeated_by_its_period),
        ("a_parents_quota_is_not_taken_for_the_sandboxs_own", cpu::a_parents_quota_is_told_apart),
        ("a_weight_taken_back_is_breached", cpu::weight_taken_back),
        ("burners_are_refused_killed_and_started_again", cpu::refused_and_killed_burners),
        ("a_burner_of_cpu_leaks_in_the_cpu_cell_only", attribution::burner),
        ("a_held_fork_bomb_costs_cpu_and_no_process_ids", attribution::held_fork_bomb),
        ("a_machine_busy_with_other_things_gives_no_false_leak", attribution::noisy_machine),
        ("sandboxes_have_eight_new_namespaces_and_few_privileges", sandboxes::posture),
        ("each_namespace_can_be_shared_with_the_host", sandboxes::shared_namespaces),
        ("an_interrupt_cleans_up_and_says_130", endings::interrupt),
        ("two_interrupts_clean_up_too", endings::two_interrupts),
        ("a_termination_under_attack_cleans_up_and_says_143", endings::termination),
        ("progress_and_interrupts_work_under_attack", endings::responsive_under_attack),
        ("two_runs_at_once_leave_each_other_alone", clean::two_at_once),
        ("a_killed_harness_is_taken_down_by_its_guardian", clean::guarded),
        ("what_a_killed_run_left_is_cleaned_and_a_live_run_is_not", clean::killed_and_live),
        ("commands_of_the_documentation_that_need_root_work", docs::commands),
        ("what_could_hurt_the_machine_is_refused", unable::dangers),
        ("without_root_it_says_so_and_exits_3", unable::without_root),
        ("without_a_pids_controller_it_says_so_and_exits_3", unable::without_pids),
        ("a_node_without_a_guard_is_refused_outside_of_guests", unable::without_a_guard),
        ("with_a_read_only_cgroup_tree_it_says_so_and_exits_3", unable::read_only),
    ])
}
