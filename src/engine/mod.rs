//! The experiment: phases, supervision, events out. The engine never prints, and alone owns signals.

mod attack;
mod blank;
mod blocks;
mod case;
mod ceilings;
mod clean;
mod conversation;
mod cpu_time;
mod dangers;
mod dry_guest;
mod dry_run;
mod error;
mod escape;
mod event;
mod guard;
mod inject;
mod ledger;
mod measure;
mod needs;
mod placebo;
mod pressure;
mod recovery;
mod remedies;
mod residue;
mod run;
mod run_directory;
mod scenario_run;
mod scene;
mod schedule;
mod shared;
mod signals;
mod soft;
mod specs;
mod stage;
mod strays;
mod surroundings;
mod sysctl_values;
mod trail;
mod watcher;

pub use blank::blank_case;
pub use clean::{Cleaned, clean};
pub use dangers::Allowed;
pub use dry_run::{DryCase, DryLimit, DryRun, DryScenario, RUN_ID, dry_run};
pub use error::EngineError;
pub use event::{Event, Phase};
pub use ledger::{Entry, Ledger};
pub use run::{
    Finding, Portion, RunOptions, RunOutcome, clean_here, exit_code, hierarchies, random, run,
    run_portions, thermal_paths,
};
pub use run_directory::RunDirectory;
pub use scenario_run::{finished, started};
pub use signals::Signals;
pub use trail::{Part, Trail};
