//! `report`: records from files, shown and judged again without measuring.

use std::path::Path;

use command::run;
use contain_test::report::{Format, ViewOptions, from_json, render, to_json};
use record::record;

use crate::command;
use crate::record;

/// Everything that can be written to a file: the table is laid out for a terminal.
const EXPORTS: [Format; 9] = [
    Format::Json,
    Format::Html,
    Format::Markdown,
    Format::Junit,
    Format::Sarif,
    Format::Csv,
    Format::Prometheus,
    Format::Jsonl,
    Format::Github,
];

fn written(folder: &Path, text: &str) -> String {
    let path = folder.join("record.json");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn every_format_shows_the_stored_record_with_the_same_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &to_json(&record()));
    let view = ViewOptions { width: 120, ..ViewOptions::default() };
    for format in Format::ALL {
        let answer = run(&["report", &path, "--format", format.name()]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer:?}");
        assert_eq!(answer.stdout, render(&record(), format, &view), "{format:?}");
    }
    for format in Format::ALL {
        let answer = run(&["report", &path, "--tolerance", "pids=60", "--format", format.name()]);
        assert_eq!(answer.code, 1, "{format:?}");
        let answer = run(&["report", &path, "--must-run", "--format", format.name()]);
        assert_eq!(answer.code, 3, "{format:?}");
    }
}

#[test]
fn a_compressed_record_is_read_and_half_of_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &to_json(&record()));
    let packed = std::process::Command::new("gzip").args(["-k", &path]).status().expect("gzip");
    assert!(packed.success());
    let packed = format!("{path}.gz");
    let plain = run(&["report", &path]);
    assert_eq!((plain.code, run(&["report", &packed]).stdout), (0, plain.stdout));
    let bytes = std::fs::read(&packed).unwrap();
    std::fs::write(&packed, &bytes[..bytes.len() / 2]).unwrap();
    let answer = run(&["report", &packed]);
    assert!(answer.code == 2 && answer.stderr.contains(&packed), "{answer:?}");
}

#[test]
fn exports_hold_what_was_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &to_json(&record()));
    let at = |name: &str| folder.path().join(name);
    let exports = EXPORTS
        .map(Format::name)
        .map(|format| format!("{format}={}", at(&format!("new.{format}")).display()));
    let mut arguments = vec!["report", &path, "-q", "--seed", "7", "--tolerance", "pids=60"];
    for export in &exports {
        arguments.extend(["--export", export]);
    }
    let answer = run(&arguments);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert_eq!(answer.stdout.lines().count(), 1, "{answer:?}");
    let json = from_json(&std::fs::read_to_string(at("new.json")).unwrap()).unwrap();
    assert_eq!(json.seed, 7);
    for format in EXPORTS {
        let text = std::fs::read_to_string(at(&format!("new.{}", format.name()))).unwrap();
        assert_eq!(text, render(&json, format, &ViewOptions::default()), "{format:?}");
    }
}

#[test]
fn what_is_no_record_exits_with_2_and_names_file_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let good = to_json(&record());
    let half = good[..good.len() / 2].to_owned();
    let foreign = good.replacen("contain-test/report", "somebody/else", 1);
    let newer = good.replacen("\"schema_version\": 1", "\"schema_version\": 9", 1);
    let unjudgeable = good.replace("\"expected\": \"leaks\"", "\"expected\": \"splendid\"");
    for (text, remedy) in [
        (half.as_str(), "copy the file again"),
        ("", "copy the file again"),
        ("no json", "--export json=PATH"),
        ("[]", "--export json=PATH"),
        (foreign.as_str(), "--export json=PATH"),
        (newer.as_str(), "a newer contain-test wrote it"),
        (unjudgeable.as_str(), "the version that wrote it"),
    ] {
        let path = written(folder.path(), text);
        let export = format!("json={}", folder.path().join("out.json").display());
        let answer = run(&["report", &path, "--export", &export]);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{answer:?}");
        assert!(answer.stderr.contains("record.json"), "{answer:?}");
        assert!(answer.stderr.contains(remedy), "{remedy}: {answer:?}");
        assert!(!folder.path().join("out.json").exists());
    }
    for missing in ["no-such.json", "."] {
        let answer = run(&["report", missing]);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.stderr.contains("help: "), "{answer:?}");
    }
}

#[test]
fn arguments_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &to_json(&record()));
    for extra in [
        &["--tolerance", "gpu=5"][..],
        &["--tolerance", "cpu=100"],
        &["--tolerance", "cpu=5", "--tolerance", "cpu=6"],
        &["--format", "yaml"],
        &["-q", "-v"],
        &["--export", "table=x"],
    ] {
        let answer = run(&[&["report", path.as_str()], extra].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{extra:?}: {answer:?}");
    }
}

/// A record of a real run, judged again, says what it said when it was measured.
#[test]
fn records_of_real_runs_are_judged_as_they_were() {
    for (name, code) in [
        ("tests/golden/reference.json", 0),
        ("reports/pids-linux-6.18-hybrid.json", 0),
        // An expectation of it was left open by the noise.
        ("reports/seven-linux-6.18-hybrid.json", 4),
    ] {
        let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
        let stored = from_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let answer = run(&["report", &path, "--format", "json"]);
        assert_eq!((answer.code, answer.stderr.as_str()), (code, ""), "{name}");
        let again = from_json(&answer.stdout).unwrap();
        for (stored, again) in stored.scenarios[0].cases.iter().zip(&again.scenarios[0].cases) {
            assert_eq!((&again.verdict, &again.reason), (&stored.verdict, &stored.reason));
            assert_eq!(again.cells, stored.cells);
            assert_eq!(again.expectations, stored.expectations);
        }
    }
}

/// What could tell whose machine it was is in no format, and the judgement is the same.
#[test]
fn a_redacted_record_says_nothing_of_the_house_and_is_judged_alike() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = record();
    told.scenarios[0].file = "/home/secret/scenarios/pids.yaml".to_owned();
    told.machines[0].kernel = "6.18.44-secret".to_owned();
    told.warnings.push("cannot read /srv/secret/x: no such file".to_owned());
    told.scenarios[0].cases[0]
        .steps
        .push("bind /opt/secret at /run/contain-test-1/root".to_owned());
    told.cleanup.failures.push("`/mnt/secret/a b/c`".to_owned());
    let path = written(folder.path(), &to_json(&told));
    for format in Format::ALL {
        let open = run(&["report", &path, "--format", format.name()]);
        let answer = run(&["report", &path, "--redact", "--format", format.name()]);
        assert_eq!(answer.code, open.code, "{format:?}");
        assert!(!answer.stdout.contains("secret"), "{format:?}: {}", answer.stdout);
    }
    let answer = run(&["report", &path, "--redact", "--format", "json"]);
    let redacted = from_json(&answer.stdout).unwrap();
    assert_eq!(redacted.machines[0].kernel, "6.18.44");
    assert_eq!(redacted.scenarios[0].file, "pids.yaml");
    for (one, other) in told.scenarios[0].cases.iter().zip(&redacted.scenarios[0].cases) {
        assert_eq!(
            (one.verdict, &one.cells, &one.blocks),
            (other.verdict, &other.cells, &other.blocks)
        );
    }
}
