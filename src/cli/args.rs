//! The command line. These types stay in this room: other rooms get options of their own.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::exit_code;
use super::export::Export;
use super::help;
pub use super::tolerance::Tolerance;
use crate::report::Format;
use crate::scenario::CgroupMode;

/// Test whether a sandbox contains what runs in it.
#[derive(Debug, Parser)]
#[command(
    name = "contain-test",
    version,
    about = "Answers with evidence whether a sandbox contains what runs in it.",
    after_help = format!("{}\n{}", help::ALL, exit_code::help_text()),
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Colour on the terminal; `auto` also respects NO_COLOR
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios and print a containment report
    #[command(after_help = format!("{}\n{}", help::RUN, exit_code::help_text()))]
    Run(RunArgs),
    /// Run each limited config without each of its controls, and say which control stops which leak
    #[command(after_help = format!("{}\n{}", help::ABLATE, exit_code::help_text()))]
    Ablate(RunArgs),
    /// Check scenario files without looking at the machine
    Check(CheckArgs),
    /// Judge a record again without measuring, and print it
    Report(ReportArgs),
    /// Say what changed from one record to others: worse, better, unchanged or undecided
    Compare(CompareArgs),
    /// List the shipped scenarios, the workloads and the probes
    #[command(after_help = help::LIST)]
    List(FactsArgs),
    /// Say what a workload, probe, resource, limit, verdict or other word means
    Explain(ExplainArgs),
    /// Print the format of scenarios or records as JSON Schema
    Schema(SchemaArgs),
    /// Say what this machine can do, what is missing, and the remedy
    #[command(after_help = help::DOCTOR)]
    Doctor(DoctorArgs),
    /// Say what processes have, or the sandboxes of a scenario: namespaces, cgroups, limits, privileges
    Inspect(InspectArgs),
    /// Remove what a killed run left on this machine
    #[command(after_help = help::CLEAN)]
    Clean(FactsArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write the pages of all commands
    Man(ManArgs),
}

/// Arguments of `run` and `ablate`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenario files, folders of them, or names of shipped scenarios
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,
    /// What goes to stdout: the table, the record in another form, or one event a line
    #[arg(long, value_parser = formats(), default_value = "table")]
    pub format: Format,
    /// Also write the record to a file in any format but table; repeatable
    #[arg(long = "export", value_name = "FORMAT=PATH")]
    pub exports: Vec<Export>,
    /// Leave out of the result and the exports what tells whose machine it was: paths, kernel builds, consoles, times of day
    #[arg(long)]
    pub redact: bool,
    /// On GitHub Actions, write neither annotations nor the summary of the step
    #[arg(long)]
    pub no_ci: bool,
    /// Print the steps and kernel files of every case, and change nothing; needs no root
    #[arg(long, conflicts_with = "exports")]
    pub dry_run: bool,
    /// Allow what could hurt this machine; repeatable
    #[arg(long = "allow", value_enum, value_name = "DANGER")]
    pub allow: Vec<Danger>,
    /// Measure few and short blocks: failures and ceilings show, and of slowdowns only large ones
    #[arg(long)]
    pub quick: bool,
    /// Run in a throwaway guest what the files give no machine: cgroup v2, or another version after `=`
    #[arg(long, value_enum, value_name = "CGROUP", num_args = 0..=1, require_equals = true, default_missing_value = "v2")]
    pub vm: Option<VmCgroup>,
    /// Kernel of guests: a vmlinuz or a Debian package of one [default: the newest in /boot]
    #[arg(long, value_name = "FILE")]
    pub kernel: Option<PathBuf>,
    /// Folder of that kernel's modules [default: beside the kernel, else the host's]
    #[arg(long, value_name = "DIR")]
    pub modules: Option<PathBuf>,
    /// Seed of every random choice of the run
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Fail with 3 when anything is skipped
    #[arg(long)]
    pub must_run: bool,
    /// Do not fail with 4 when a result is inconclusive or the machine too noisy
    #[arg(long)]
    pub allow_inconclusive: bool,
    /// No progress and no warnings on stderr
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say on stderr which phase begins, line by line
    #[arg(short, long)]
    pub verbose: bool,
}

/// How the cgroups of a guest are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VmCgroup {
    /// Version 1 hierarchies alone
    V1,
    /// The unified hierarchy alone
    V2,
    /// Controllers on version 1, beside a unified hierarchy without them
    Hybrid,
}

impl VmCgroup {
    /// The word of the model.
    #[must_use]
    pub const fn mode(self) -> CgroupMode {
        match self {
            Self::V1 => CgroupMode::V1,
            Self::V2 => CgroupMode::V2,
            Self::Hybrid => CgroupMode::Hybrid,
        }
    }
}

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = format!("{}\n{}", help::REPORT, exit_code::help_text()))]
pub struct ReportArgs {
    /// A record: what `run --format json` or `run --export json=PATH` wrote
    #[arg(value_name = "RECORD")]
    pub record: PathBuf,
    /// What goes to stdout
    #[arg(long, value_parser = formats(), default_value = "table")]
    pub format: Format,
    /// Also write the result to a file in any format but table; repeatable
    #[arg(long = "export", value_name = "FORMAT=PATH")]
    pub exports: Vec<Export>,
    /// Leave out what tells whose machine it was: paths, kernel builds, consoles, times of day
    #[arg(long)]
    pub redact: bool,
    /// Judge a resource with another tolerance; repeatable
    #[arg(long = "tolerance", value_name = "RESOURCE=PERCENT")]
    pub tolerances: Vec<Tolerance>,
    /// Seed of the intervals, instead of the record's own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Fail with 3 when anything is skipped
    #[arg(long)]
    pub must_run: bool,
    /// Do not fail with 4 when a result is inconclusive or the machine too noisy
    #[arg(long)]
    pub allow_inconclusive: bool,
    /// Only the summary line of the table
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Every cell with its intervals, below each table
    #[arg(short, long)]
    pub verbose: bool,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = help::COMPARE)]
pub struct CompareArgs {
    /// The record that the others are compared with
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// Records that came later
    #[arg(required = true, value_name = "NEW")]
    pub new: Vec<PathBuf>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = CompareFormat::Table)]
    pub format: CompareFormat,
    /// Exit with 1 when anything became worse
    #[arg(long)]
    pub fail_on_regression: bool,
    /// Compare records of unlike machines all the same
    #[arg(long)]
    pub allow_unlike: bool,
    /// Seed of the intervals, instead of OLD's own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Only the summary line
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// The numbers behind every cell, below the table
    #[arg(short, long)]
    pub verbose: bool,
}

/// Formats of `compare`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// GitHub Markdown
    Markdown,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = help::COMPLETIONS)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = help::MAN)]
pub struct ManArgs {
    /// Write a page for each command into this folder instead
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = help::CHECK)]
pub struct CheckArgs {
    /// Scenario files, folders of them, or names of shipped scenarios
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = FactsFormat::Table)]
    pub format: FactsFormat,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = help::EXPLAIN)]
pub struct ExplainArgs {
    /// The name, such as `forkbomb`, `pids/fork`, `memory` or `vacuous`
    #[arg(value_name = "NAME")]
    pub name: String,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = FactsFormat::Table)]
    pub format: FactsFormat,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
#[command(after_help = help::SCHEMA)]
pub struct SchemaArgs {
    /// Which format
    #[arg(value_enum, value_name = "FORMAT", default_value_t = SchemaOf::Scenario)]
    pub of: SchemaOf,
}

/// The formats that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// Scenario files, for editors
    Scenario,
    /// Records, as `run --format json` prints them
    #[value(alias = "report")]
    Record,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = help::INSPECT)]
pub struct InspectArgs {
    /// Process IDs; or scenario files, folders of them, or names of shipped scenarios [default: this command itself]
    #[arg(value_name = "PID|SCENARIO")]
    pub targets: Vec<String>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = FactsFormat::Table)]
    pub format: FactsFormat,
    /// Print a scenario with the limits and namespaces of the process instead
    #[arg(long, conflicts_with = "format")]
    pub as_scenario: bool,
    /// Start two sandboxes, read every file below /proc and /sys in both and on the host, and say which of them tell something of others
    #[arg(long, conflicts_with_all = ["as_scenario", "targets"])]
    pub channels: bool,
}

/// Arguments of the commands that print facts.
#[derive(Debug, Args)]
pub struct FactsArgs {
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = FactsFormat::Table)]
    pub format: FactsFormat,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = FactsFormat::Table)]
    pub format: FactsFormat,
    /// Do not measure the noise of the machine, which takes two seconds
    #[arg(long)]
    pub quick: bool,
}

/// What is refused unless somebody allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Danger {
    /// A node that may take more memory or tasks than the machine has to spare
    Headroom,
    /// Scenarios that set values of the whole kernel
    Sysctls,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// The formats of records as values of `--format`, for help texts and completions.
fn formats() -> impl TypedValueParser<Value = Format> {
    let values = Format::ALL.map(|format| PossibleValue::new(format.name()).help(format.summary()));
    PossibleValuesParser::new(values).try_map(|word| word.parse::<Format>())
}

/// Formats of the commands that print facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FactsFormat {
    /// For people
    Table,
    /// One JSON document
    Json,
}
