//! The command line itself: usage errors, help, colour, streams.

use std::fs::File;
use std::process::Stdio;

use command::{contain_test, finish, run};

use crate::command;

#[test]
fn usage_errors_exit_with_2_and_speak_on_stderr() {
    for args in [
        &[][..],
        &["nonsense"],
        &["run"],
        &["check"],
        &["run", "x.yaml", "--nonsense"],
        &["run", "x.yaml", "--format", "xml"],
        &["run", "x.yaml", "--seed", "-1"],
        &["run", "x.yaml", "-q", "-v"],
        &["run", "x.yaml", "--export", "report.json"],
        &["run", "x.yaml", "--export", "yaml=report.yaml"],
        &["doctor", "--format", "jsonl"],
        &["doctor", "extra"],
        &["--color", "sometimes", "doctor"],
    ] {
        let answer = run(args);
        assert_eq!(answer.code, 2, "{args:?}: {answer:?}");
        assert_eq!(answer.stdout, "", "{args:?}");
        assert!(!answer.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_scenario_that_does_not_exist_is_named_and_exits_with_2() {
    for command in ["run", "check"] {
        let answer = run(&[command, "no-such-scenario.yaml"]);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.stderr.contains("no-such-scenario.yaml"), "{answer:?}");
    }
}

#[test]
fn help_goes_to_stdout_with_examples_and_every_exit_code() {
    let answer = run(&["--help"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    for entry in contain_test::cli::exit_code::REGISTRY {
        let line = format!("  {:<6} {}", entry.code, entry.meaning);
        assert!(answer.stdout.contains(&line), "{line}\nnot in\n{}", answer.stdout);
    }
    assert!(answer.stdout.contains("Examples:"));
    assert!(run(&["run", "--help"]).stdout.contains("Exit codes:"));
}

#[test]
fn hidden_roles_are_not_in_the_help() {
    let help = run(&["--help"]).stdout;
    for role in ["__stage", "__attacker", "__victim", "__watcher"] {
        assert!(!help.contains(role), "{role}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let answer = run(&["--version"]);
    assert_eq!(answer.code, 0);
    assert_eq!(answer.stdout, format!("contain-test {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn pipes_are_plain_and_always_means_always() {
    let plain = run(&["--help"]);
    assert!(!plain.stdout.contains('\x1b'));
    assert!(!run(&["nonsense"]).stderr.contains('\x1b'));
    assert!(run(&["--color=always", "nonsense"]).stderr.contains('\x1b'));
    assert!(!run(&["--color=never", "nonsense"]).stderr.contains('\x1b'));
}

#[test]
fn no_color_wins_over_the_terminal_but_not_over_always() {
    let mut command = contain_test(&["nonsense"]);
    let answer = finish(command.env("NO_COLOR", "1").spawn().unwrap());
    assert!(!answer.stderr.contains('\x1b'), "{answer:?}");
    let mut command = contain_test(&["--color", "always", "nonsense"]);
    let answer = finish(command.env("NO_COLOR", "1").spawn().unwrap());
    assert!(answer.stderr.contains('\x1b'), "{answer:?}");
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    for args in [&["--help"][..], &["list"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let answer = finish(contain_test(args).stdout(writer).spawn().unwrap());
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let answer = finish(contain_test(&["list"]).stdout(full).spawn().unwrap());
    assert_eq!(answer.code, 5, "{answer:?}");
    assert!(answer.stderr.contains("stdout"), "{answer:?}");
}

#[test]
fn a_closed_stderr_does_not_change_the_exit_code() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = contain_test(&["nonsense"]);
    let answer = finish(command.stdout(Stdio::null()).stderr(writer).spawn().unwrap());
    assert_eq!(answer.code, 2);
}
