//! A folder in which commands of the documentation are tried, and how one is run there. The scenarios that they name are short ones: what the
//! shipped ones give is tested elsewhere.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

/// What a scenario of the documentation is here: one pair of blocks, and nothing expected, as so little decides nothing. The one that is
/// the reader's own has an attack and a limit; of the others one case is enough for a command to show that it works.
fn short(name: &str) -> String {
    let attack = match name {
        "my-yaml" => "{workload: forkbomb}\nconfigs:\n  - name: pids-64\n    limits: {pids: 64}\n",
        _ => "{workload: sleep}\nconfigs:\n  - name: open\n",
    };
    format!(
        "version: 1\nname: {name}\ntrials: {{pairs: 1, block: 100ms, budget: 1s}}\nattacker: {attack}"
    )
}

/// A folder with the files that the pages name, where `contain-test` and `sudo` are found: whoever runs this is root.
pub fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("scenarios")).expect("a folder");
    let shipped = contain_test::scenario::shipped().iter().map(|&(name, _)| name);
    fs::create_dir_all(at("docs/examples")).expect("a folder");
    let named = ["my.yaml", "scenarios/pids.yaml", "docs/examples/nginx-beside-stress-ng.yaml"];
    for path in named.into_iter().chain(shipped) {
        // A file goes before a shipped scenario of that name. Names must be unique in a run, and are at most 40 characters long.
        let name: String = path.replace(['/', '.'], "-").chars().take(40).collect();
        fs::write(at(path), short(&name)).expect("a scenario");
    }
    fs::create_dir(at("bin")).expect("a folder");
    symlink(env!("CARGO_BIN_EXE_contain-test"), at("bin/contain-test")).expect("a link");
    fs::write(at("bin/sudo"), "#!/bin/sh\nexec \"$@\"\n").expect("a program");
    fs::set_permissions(at("bin/sudo"), fs::Permissions::from_mode(0o755)).expect("a program");
    folder
}

/// Runs a command there, which hangs when it takes longer than so many seconds: it does its work, says something, and writes every file that
/// it exports. One pair of blocks decides nothing of speed, so a noisy machine may say that it is one (4).
pub fn run(line: &str, folder: &Path, seconds: &str) {
    let path = std::env::var("PATH").unwrap_or_default();
    let answer = Command::new("timeout")
        .args(["--signal=TERM", "--kill-after=10", seconds, "sh", "-c", line])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .env_remove("GITHUB_ACTIONS")
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let (stdout, stderr) =
        (String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
    let done = matches!(answer.status.code(), Some(0 | 4));
    assert!(done, "`{line}`: {}\n{stdout}\n{stderr}", answer.status);
    assert!(!stdout.is_empty(), "`{line}` says nothing");
    let words: Vec<&str> = line.split_whitespace().collect();
    for pair in words.windows(2).filter(|pair| pair[0] == "--export") {
        let name = pair[1].split_once('=').expect("a format and a path").1;
        let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(!text.is_empty(), "`{line}` wrote no {name}");
    }
}
