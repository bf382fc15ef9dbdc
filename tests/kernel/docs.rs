//! The commands of the documentation that need root, word by word (`tests/docs/root-commands.txt`).

#[path = "../docs/place.rs"]
mod place;

const COMMANDS: &str = include_str!("../docs/root-commands.txt");

/// A command that takes longer hangs, and is killed.
const SECONDS: &str = "60";

/// An ablation runs more than a dozen cases.
const ABLATION_SECONDS: &str = "280";

/// Each of them does its work.
pub fn commands() {
    let lines: Vec<&str> = COMMANDS.lines().collect();
    assert!(lines.len() > 5, "only {lines:?}");
    for line in lines {
        let seconds = if line.contains(" ablate ") { ABLATION_SECONDS } else { SECONDS };
        place::run(line, place::workplace().path(), seconds);
    }
}
