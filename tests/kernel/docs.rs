//! The commands of the documentation that need root, word by word (`tests/docs/root-commands.txt`). Only the scenarios that they name are
//! short ones here: what the shipped ones give is tested elsewhere.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

const COMMANDS: &str = include_str!("../docs/root-commands.txt");

/// A command that takes longer hangs, and is killed.
const SECONDS: &str = "60";

/// What every scenario of the documentation is here: one pair of blocks, and nothing expected, as so little decides nothing.
fn short(name: &str) -> String {
    format!(
        "version: 1\nname: {name}\nattacker: {{workload: forkbomb}}\ntrials: {{pairs: 1, block: 100ms, budget: 1s}}\n\
         configs:\n  - name: pids-64\n    limits: {{pids: 64}}\n"
    )
}

/// A folder with the files that the pages name, where `contain-test` and `sudo` are found: whoever runs this is root.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("scenarios")).expect("a folder");
    for path in ["my.yaml", "scenarios/pids.yaml", "pids", "cpu", "pids-by-hand", "pids-together"] {
        // A file goes before a shipped scenario of that name. Names must be unique in a run.
        let name = path.replace(['/', '.'], "-");
        fs::write(at(path), short(&name)).expect("a scenario");
    }
    fs::create_dir(at("bin")).expect("a folder");
    symlink(env!("CARGO_BIN_EXE_contain-test"), at("bin/contain-test")).expect("a link");
    fs::write(at("bin/sudo"), "#!/bin/sh\nexec \"$@\"\n").expect("a program");
    fs::set_permissions(at("bin/sudo"), fs::Permissions::from_mode(0o755)).expect("a program");
    folder
}

/// Each of them exits with 0, and writes every file that it names.
pub fn commands() {
    let mut ran = 0;
    for line in COMMANDS.lines() {
        let folder = workplace();
        run(line, folder.path());
        for export in line.split_whitespace().filter_map(|word| word.split_once('=')) {
            let path = folder.path().join(export.1);
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert!(!text.is_empty(), "`{line}` wrote no {}", export.1);
        }
        ran += 1;
    }
    assert!(ran > 5, "only {ran} commands");
}

fn run(line: &str, folder: &Path) {
    let path = std::env::var("PATH").unwrap_or_default();
    let answer = Command::new("timeout")
        .args(["--signal=TERM", "--kill-after=10", SECONDS, "sh", "-c", line])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .env_remove("GITHUB_ACTIONS")
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let (stdout, stderr) =
        (String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
    assert!(answer.status.success(), "`{line}`: {}\n{stdout}\n{stderr}", answer.status);
    assert!(!stdout.is_empty(), "`{line}` says nothing");
}
