//! One run of all shipped scenarios, for every test that asks something of one of them.

use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use super::program::{Ended, Program};

/// No run of all of them takes longer.
const LIMIT: Duration = Duration::from_secs(900);

/// What the run of all shipped scenarios gave for this one, with the exit code that it alone would have had.
pub fn shipped(name: &str) -> Ended {
    static ALL: OnceLock<Ended> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        Program::start_on(folder.as_ref(), &[], LIMIT).finish()
    });
    let mut record = all.record.clone();
    let scenarios = record["scenarios"].as_array_mut().unwrap_or_else(|| panic!("{}", all.errors));
    scenarios.retain(|scenario| scenario["name"] == name);
    assert_eq!(scenarios.len(), 1, "no scenario {name}");
    let code = code_of(&record);
    Ended { code, errors: all.errors.clone(), events: Vec::new(), record, took: all.took }
}

/// The exit code of a record, as `report` gives it.
fn code_of(record: &Value) -> i32 {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), record.to_string()).expect("a record");
    let answer = Command::new(env!("CARGO_BIN_EXE_contain-test"))
        .arg("report")
        .arg(file.path())
        .output()
        .expect("report runs");
    answer.status.code().expect("an exit code")
}
