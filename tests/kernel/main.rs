//! Tests on real namespaces and control groups. They start fork bombs, in nodes, one at a time, each under a hard time
//! limit, and after each one a script that shares no code with the tool looks for what is left.

#[path = "../serial/mod.rs"]
mod serial;

mod ablate;
mod attribution;
mod bounds;
mod channels;
mod clean;
mod commands;
mod containers;
mod cpu;
mod disk;
mod docker;
mod docs;
mod endings;
mod files;
mod inspect;
mod kinds;
mod limits;
mod logs;
mod memory;
mod network;
mod podman;
mod pods;
mod random;
mod sandboxes;
mod services;
mod seven;
mod textbook;
mod unable;
mod visibility;

use std::process::ExitCode;

use serial::Test;

/// What is asked of the kernel, whatever the machine: these are run in throwaway guests, too (`tests/vm`).
const ANYWHERE: &[Test] = &[
    ("a_limit_that_is_taken_away_turns_the_verdict", limits::limit_taken_away),
    ("a_limit_raised_during_the_run_is_breached", limits::limit_raised),
    ("a_raised_limit_that_nobody_used_is_breached_too", limits::limit_raised_unused),
    ("an_attacker_process_outside_its_cgroup_is_breached", limits::process_moved_out),
    ("killed_workers_are_started_again_and_counted", limits::killed_workers),
    ("every_limit_is_written_to_the_kernel", limits::every_knob),
    ("a_bomb_of_threads_is_one_process", kinds::threads_are_threads),
    (
        "a_rate_is_out_of_the_sandboxs_reach_and_dies_with_the_harness",
        network::out_of_reach_and_gone,
    ),
    ("limits_that_are_no_cgroup_files_are_in_force", bounds::in_force),
    ("a_users_limit_that_changed_is_breached", bounds::changed),
    ("memory_files_of_version_2_are_in_force_or_skipped", bounds::memory_of_version_2),
    ("a_weight_taken_back_is_breached", cpu::weight_taken_back),
    ("files_of_the_kernel_are_classed_by_who_reads_what", channels::are_classed),
    ("sandboxes_of_a_pod_share_what_they_should", pods::share_what_they_should),
    ("a_pod_outlives_its_containers", pods::outlive_a_container),
    ("the_pause_process_reaps_in_a_shared_pid_namespace", pods::reap_in_a_shared_pid_namespace),
    ("sidecars_are_started_again_as_their_pods_policy_says", pods::restart_by_policy),
    ("nothing_of_a_pod_outlives_a_killed_run", pods::killed),
    ("a_limit_of_a_pod_holds_for_the_sum", pods::limit_of_the_sum),
    ("a_program_that_tries_everything_gets_nowhere", commands::tries_everything),
    ("a_service_that_does_not_answer_is_an_error", services::must_answer),
    ("nothing_of_a_disk_outlives_a_killed_run", disk::killed),
    (
        "writers_that_wait_for_their_limit_end_with_the_harness",
        disk::throttled_ends_with_the_harness,
    ),
    ("one_large_eater_dies_itself", memory::one_large_worker),
    ("sandboxes_have_eight_new_namespaces_and_few_privileges", sandboxes::posture),
    ("a_sandbox_may_go_without_a_filter_of_system_calls", sandboxes::unconfined),
    ("a_sandbox_may_have_capabilities_and_gain_more", sandboxes::privileges),
    ("each_namespace_can_be_shared_with_the_host", sandboxes::shared_namespaces),
    (
        "all_of_a_pid_namespace_ends_with_its_first_process",
        textbook::all_ends_with_the_first_process,
    ),
    ("a_port_can_be_had_in_each_network_namespace", textbook::ports_are_a_network_namespaces),
    ("routes_made_inside_stay_inside", textbook::routes_stay_inside),
    ("mounts_made_inside_stay_inside", textbook::mounts_stay_inside),
    ("message_queues_run_out_inside_alone", textbook::queues_run_out_inside),
    ("no_two_sandboxes_are_in_one_group", textbook::no_group_is_shared),
    ("sandboxes_have_what_their_plan_says", inspect::plan_is_kept),
    ("inspect_shows_what_it_may_of_another_users_process", inspect::other_user),
    ("inspect_of_a_process_that_ends_says_so", inspect::ending),
    ("an_interrupt_cleans_up_and_says_130", endings::interrupt),
    ("two_interrupts_clean_up_too", endings::two_interrupts),
    ("a_termination_under_attack_cleans_up_and_says_143", endings::termination),
    ("two_runs_at_once_leave_each_other_alone", clean::two_at_once),
    ("a_killed_harness_is_taken_down_by_its_guardian", clean::guarded),
    ("what_a_killed_run_left_is_cleaned_and_a_live_run_is_not", clean::killed_and_live),
    ("what_could_hurt_the_machine_is_refused", unable::dangers),
    ("without_root_it_says_so_and_exits_3", unable::without_root),
    ("without_a_pids_controller_it_says_so_and_exits_3", unable::without_pids),
    ("a_node_without_a_guard_is_refused_outside_of_guests", unable::without_a_guard),
    ("with_a_read_only_cgroup_tree_it_says_so_and_exits_3", unable::read_only),
];

/// What is asked of this machine alone: how fast something is, which an emulated one cannot tell, or for more work than it does in time; shipped
/// scenarios, of which guests run every one as it is; and what needs programs of others.
const HERE: &[Test] = &[
    ("limits_chosen_at_run_time_hold_to_the_task", limits::seven_and_a_hundred),
    ("a_rate_at_the_disk_is_held", disk::rate_is_held),
    ("a_churning_bomb_stays_below_its_limit", kinds::churn_stays_below),
    ("a_program_of_others_is_judged_like_any_attack", commands::is_judged),
    ("eaters_that_offer_themselves_are_taken_first", memory::attacker_first),
    ("cached_files_are_taken_back_at_the_limit_and_nobody_is_killed", memory::page_cache),
    ("what_a_memory_eater_wants_is_held_to_the_page", memory::held_to_the_page),
    ("a_limit_on_open_files_that_changed_is_breached", files::limit_changed),
    ("a_rate_at_the_link_keeps_the_uplink_for_the_neighbour", network::limited),
    ("every_kind_of_descriptor_stops_at_its_limit", files::every_kind_stops_at_its_limit),
    ("a_limit_is_found_to_stop_the_bomb", ablate::a_limit_is_found_to_stop_the_bomb),
    ("a_shells_fork_bomb_is_held", commands::bombs),
    ("a_program_that_cannot_run_says_why", commands::cannot_run),
    ("the_shipped_fork_bomb_is_denied_open_and_contained_at_64", limits::shipped_pids),
    ("the_textbook_numbers_hold_with_and_without_a_pid_namespace", limits::by_hand),
    ("an_attack_that_hurts_nobody_makes_a_limit_vacuous", limits::faint_attack),
    ("threads_are_held_like_processes_and_churn_holds_nothing", kinds::shipped_kinds),
    ("a_users_limit_contains_its_own_and_denies_who_shares_it", bounds::shipped_nproc),
    ("a_flood_of_output_costs_whoever_reads_it", logs::shipped_logs),
    ("cpu_controls_protect_or_only_cap", cpu::shipped),
    ("what_the_victim_loses_is_what_the_attacker_received", cpu::loss_is_what_was_received),
    ("a_quota_that_real_time_tasks_pass_is_breached", cpu::quota_defeated_by_real_time),
    ("a_quota_whose_period_changed_is_breached", cpu::quota_defeated_by_its_period),
    ("a_parents_quota_is_not_taken_for_the_sandboxs_own", cpu::a_parents_quota_is_told_apart),
    ("burners_are_refused_killed_and_started_again", cpu::refused_and_killed_burners),
    ("what_each_namespace_hides_is_found_once_it_is_shared", visibility::shipped),
    ("containers_of_a_pod_see_each_other_and_no_others", pods::shipped),
    ("a_burner_of_cpu_leaks_in_the_cpu_cell_only", attribution::burner),
    ("a_held_fork_bomb_costs_cpu_and_no_process_ids", attribution::held_fork_bomb),
    ("a_machine_busy_with_other_things_gives_no_false_leak", attribution::noisy_machine),
    ("clients_of_a_service_feel_the_attack", services::is_felt),
    ("clients_of_nginx_feel_stress_ng", services::example),
    ("open_files_are_held_by_process_and_their_sum_by_memory", files::shipped),
    ("a_full_disk_denies_and_stays_the_nodes", disk::full),
    ("a_limit_of_writes_holds_what_a_task_writes_itself", disk::shipped),
    ("all_seven_resources_are_attacked_and_held_in_one_run", seven::quick),
    ("random_numbers_cannot_be_drained", random::shipped),
    ("a_memory_eater_hurts_open_and_dies_in_its_own_limit", memory::shipped_memory),
    ("ten_of_ten_allocations_beyond_the_limit_are_killed", memory::by_hand),
    ("files_in_memory_are_held_by_size_or_by_memory", memory::shipped_tmpfs),
    ("what_engines_give_by_default_is_held", memory::engine_defaults),
    ("inspect_agrees_with_lsns_and_the_kernels_links", inspect::agrees),
    ("limits_of_a_container_of_docker_become_a_scenario", inspect::docker_as_scenario),
    ("a_container_of_runc_becomes_a_scenario_that_runs", inspect::container_as_scenario),
    ("progress_and_interrupts_work_under_attack", endings::responsive_under_attack),
    ("commands_of_the_documentation_that_need_root_work", docs::commands),
    ("in_docker_it_runs_with_privileges_and_says_so_without", unable::in_docker),
    ("in_podman_it_runs_with_privileges_and_says_so_without", unable::in_podman),
];

fn main() -> ExitCode {
    let here = if serial::is_emulated() { &[] } else { HERE };
    serial::run_suite(&[ANYWHERE, here].concat(), serial::tries())
}
