//! One run of each shipped scenario, for every test that asks something of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::program::{Ended, Program};

/// No run of one of them takes longer.
const LIMIT: Duration = Duration::from_secs(300);

static RUNS: Mutex<BTreeMap<String, Arc<Ended>>> = Mutex::new(BTreeMap::new());

/// What the run of this shipped scenario gave; it is run once, whoever asks.
pub fn shipped(name: &str) -> Arc<Ended> {
    run_once(name, &[])
}

/// The same with few and short blocks: for what the kernel counts and refuses, which needs no more. Slowdowns stay undecided.
pub fn shipped_quick(name: &str) -> Arc<Ended> {
    run_once(name, &["--quick"])
}

fn run_once(name: &str, options: &[&str]) -> Arc<Ended> {
    let mut runs = RUNS.lock().expect("no test that failed in here");
    let run = runs.entry(format!("{name} {options:?}")).or_insert_with(|| {
        let file = format!("{}/scenarios/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        Arc::new(Program::start_on(options, file.as_ref(), &[], LIMIT).finish())
    });
    Arc::clone(run)
}
