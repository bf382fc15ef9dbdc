//! Tests that need nothing of the machine: no sandbox, no root, no tool. One program for all of them, as a static program for each takes
//! longer to build than to run.

#[path = "../fixtures/adaptive.rs"]
mod adaptive;
#[path = "../fixtures/command.rs"]
mod command;
#[path = "../fixtures/report.rs"]
mod fixture;
#[path = "../fixtures/gallery.rs"]
mod gallery;
#[path = "../fixtures/prometheus.rs"]
mod prometheus;
#[path = "../fixtures/record.rs"]
mod record;
#[path = "../fixtures/tree.rs"]
mod tree;

mod action;
mod cli_ci;
mod cli_dry_run;
mod cli_export;
mod cli_facts;
mod cli_inspect;
mod cli_report;
mod cli_usage;
mod cli_vm;
mod compare;
mod docs_commands;
mod docs_reference;
mod docs_tests;
mod host_inspect;
mod host_mounts;
mod host_requirements;
mod hostile;
mod judge_again;
mod judge_attribution;
mod judge_case;
mod judge_cells;
mod judge_false_alarms;
mod judge_power;
mod report_cases;
mod report_exports;
mod report_golden;
mod report_html;
mod report_valid;
mod report_views;
mod scenario_broken;
mod scenario_find;
mod scenario_kinds;
mod scenario_machine;
mod scenario_matrix;
mod scenario_model;
mod scenario_when;
mod schema;
mod series;
mod static_binary;
