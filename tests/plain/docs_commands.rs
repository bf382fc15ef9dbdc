//! Every command of `contain-test` in the documentation and in the help texts is run, and says what the page says it says. Those that
//! need root are listed in `tests/docs/root-commands.txt`, and those that need a guest in `guest-commands.txt` beside it, where tests on a
//! real kernel find them.
//!
//! After a change of such a command, `UPDATE_EXPECT=1 cargo test --test plain docs_commands` writes the lists anew.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use command::{finish, run};

use crate::command;

/// One command and what a page shows of its output; an ellipsis alone on a line stands for any lines.
struct Told {
    place: String,
    line: String,
    output: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![
        root().join("README.md"),
        root().join("CONTRIBUTING.md"),
        root().join("reports/README.md"),
    ];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    pages
}

fn is_command(line: &str) -> bool {
    ["contain-test ", "sudo contain-test "].iter().any(|start| line.starts_with(start))
}

/// True for what must never be started here: it would start attacks, or remove what runs have left.
fn needs_root(line: &str) -> bool {
    !needs_guest(line)
        && (line.starts_with("sudo ") || runs(line) || line.contains("contain-test clean"))
}

/// True for what starts a guest.
fn needs_guest(line: &str) -> bool {
    runs(line) && line.contains("--vm")
}

fn runs(line: &str) -> bool {
    ["contain-test run", "contain-test ablate"].iter().any(|it| line.contains(it))
        && !line.contains("--dry-run")
}

/// Without a comment at its end.
fn bare(line: &str) -> &str {
    line.split(" # ").next().unwrap_or(line).trim()
}

/// The commands of a page: in fenced blocks, where a dollar sign begins a command and its output follows, and in the running text.
fn told(path: &Path) -> Vec<Told> {
    let text = fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(root()).unwrap().display().to_string();
    let mut found: Vec<Told> = Vec::new();
    let mut fence: Option<bool> = None;
    for (index, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", index + 1);
        let mut add = |line: &str| {
            found.push(Told {
                place: place.clone(),
                line: bare(line).to_owned(),
                output: Vec::new(),
            })
        };
        match fence {
            _ if line.trim_start().starts_with("```") => {
                fence = if fence.is_some() { None } else { Some(line.trim() == "```console") };
            }
            Some(true) => match line.strip_prefix("$ ") {
                Some(command) => add(command),
                None => found
                    .last_mut()
                    .expect("a block begins with a command")
                    .output
                    .push(line.to_owned()),
            },
            Some(false) if is_command(line) => add(line),
            Some(false) => {}
            None => {
                for (index, span) in line.split('`').enumerate() {
                    // Names in capitals and ellipses stand for something else.
                    let placeholder = span.contains('…')
                        || span.split([' ', '=']).any(|word| {
                            word.len() > 1 && word.chars().all(|it| it.is_ascii_uppercase())
                        });
                    if index % 2 == 1 && is_command(span) && !placeholder {
                        add(span);
                    }
                }
            }
        }
    }
    assert!(fence.is_none(), "{name}: a block has no end");
    found
}

/// The examples of the help texts.
fn helped() -> Vec<Told> {
    let commands = [
        "",
        "run",
        "ablate",
        "check",
        "report",
        "compare",
        "list",
        "explain",
        "schema",
        "doctor",
        "inspect",
        "clean",
        "completions",
        "man",
    ];
    let mut found = Vec::new();
    for name in commands {
        let arguments: Vec<&str> =
            [name, "--help"].into_iter().filter(|it| !it.is_empty()).collect();
        let answer = run(&arguments);
        assert_eq!(answer.code, 0, "{name}");
        let examples: Vec<&str> =
            answer.stdout.lines().map(str::trim).filter(|line| is_command(line)).collect();
        assert!(examples.len() >= 2, "{name} --help has examples: {}", answer.stdout);
        for example in examples {
            // A remark stands behind several blanks.
            let line = example.split("   ").next().unwrap().trim().to_owned();
            found.push(Told { place: format!("{name} --help"), line, output: Vec::new() });
        }
    }
    found
}

/// A folder with everything that the pages speak of.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["scenarios", "reports", "docs"] {
        symlink(root().join(name), folder.path().join(name)).unwrap();
    }
    let record = root().join("tests/golden/reference.json");
    for name in [
        "report.json",
        "old.json",
        "new.json",
        "other.json",
        "containment.json",
        "main.json",
        "host.json",
        "v1.json",
        "v2.json",
    ] {
        fs::copy(&record, folder.path().join(name)).unwrap();
    }
    for name in ["my.yaml", "my-limit.yaml"] {
        fs::copy(root().join("scenarios/pids.yaml"), folder.path().join(name)).unwrap();
    }
    fs::create_dir(folder.path().join("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_contain-test"), folder.path().join("bin/contain-test")).unwrap();
    folder
}

/// Which codes a command may exit with.
fn codes(line: &str) -> &'static [i32] {
    // Whether this machine can run it is not what is tested here.
    match line {
        _ if line.contains("contain-test doctor") => &[0, 3],
        // The noise of that run left an expectation open.
        _ if line.contains("report reports/seven-") => &[4],
        _ => &[0],
    }
}

#[test]
fn every_command_that_needs_no_root_does_what_its_page_says() {
    let folder = workplace();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut ran = 0;
    let all = pages().into_iter().flat_map(|page| told(&page)).chain(helped());
    for it in all.filter(|it| !needs_root(&it.line) && !needs_guest(&it.line)) {
        let mut shell = Command::new("sh");
        shell.args(["-c", &it.line]).current_dir(folder.path());
        shell.env("PATH", format!("{}:{path}", folder.path().join("bin").display()));
        for name in ["NO_COLOR", "COLUMNS", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"] {
            shell.env_remove(name);
        }
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let answer = finish(shell.spawn().unwrap());
        assert!(
            codes(&it.line).contains(&answer.code),
            "{}: `{}`: exit {}: {}",
            it.place,
            it.line,
            answer.code,
            answer.stderr
        );
        if !it.output.is_empty() {
            shown(&it, &format!("{}{}", answer.stdout, answer.stderr));
        }
        ran += 1;
    }
    assert!(ran > 60, "only {ran} commands were found");
}

/// The lines of the page are those of the output, in their order, and an ellipsis stands for any.
fn shown(it: &Told, output: &str) {
    let mut lines = output.lines();
    let mut skipping = false;
    for expected in &it.output {
        if expected.trim() == "…" {
            skipping = true;
            continue;
        }
        let found = match skipping {
            true => lines.any(|line| line.trim_end() == expected.trim_end()),
            false => lines.next().map(str::trim_end) == Some(expected.trim_end()),
        };
        assert!(found, "{}: `{}` does not say {expected:?} there:\n{output}", it.place, it.line);
        skipping = false;
    }
    assert!(skipping || lines.next().is_none(), "{}: `{}` says more:\n{output}", it.place, it.line);
}

#[test]
fn commands_that_need_root_are_listed_for_the_tests_that_have_it() {
    let all = every_line(needs_root).map(|it| format!("sudo {}", it.trim_start_matches("sudo ")));
    listed("root-commands.txt", all.collect());
}

#[test]
fn commands_that_need_a_guest_are_listed_for_the_tests_that_have_it() {
    listed("guest-commands.txt", every_line(needs_guest).collect());
}

/// The commands of all pages and help texts of this kind.
fn every_line(kind: fn(&str) -> bool) -> impl Iterator<Item = String> {
    let all = pages().into_iter().flat_map(|page| told(&page)).chain(helped());
    all.map(|it| it.line).filter(move |line| kind(line))
}

fn listed(name: &str, all: BTreeSet<String>) {
    let list: String = all.iter().map(|line| format!("{line}\n")).collect();
    let path = root().join("tests/docs").join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &list).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), list);
    assert!(all.len() > 2, "{all:?}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for piece in text.split("](").skip(1) {
            let target = piece.split(')').next().unwrap();
            if target.starts_with("http") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(path.exists(), "{}: {target}", page.display());
            if !anchor.is_empty() && path.extension().is_some_and(|end| end == "md") {
                let there = fs::read_to_string(&path).unwrap();
                let headings = there.lines().filter(|line| line.starts_with('#')).map(slug);
                assert!(
                    headings.into_iter().any(|it| it == anchor),
                    "{}: {target}",
                    page.display()
                );
            }
        }
    }
}

/// The anchor that GitHub gives a heading.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|it| it.is_alphanumeric() || " -_".contains(*it))
        .map(|it| if it == ' ' { '-' } else { it })
        .collect()
}
