//! Each file in `tests/broken` is wrong in some way, and the `.stderr` beside it is what people must see.
//!
//! After a deliberate change of a message, `UPDATE_EXPECT=1 cargo test --test plain scenario_broken` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use contain_test::scenario::{ScenarioErrors, parse};

fn broken_files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
}

fn errors_of(path: &Path) -> ScenarioErrors {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    match parse(&name, &text) {
        Ok(_) => panic!("{name} should be refused"),
        Err(errors) => errors,
    }
}

#[test]
fn messages_are_as_written_down() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let files = broken_files();
    assert!(files.len() >= 20, "only {} broken files were found", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let seen = format!("{}\n", errors_of(&path));
        let beside = path.with_extension("stderr");
        if update {
            fs::write(&beside, seen).unwrap();
        } else if fs::read_to_string(&beside).unwrap_or_default() != seen {
            wrong.push(format!("{}:\n{seen}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "messages have changed:\n\n{}", wrong.join("\n"));
}

#[test]
fn every_error_has_a_place_in_its_file() {
    for path in broken_files() {
        let lines = fs::read_to_string(&path).unwrap().split('\n').count();
        for diagnostic in errors_of(&path).0 {
            let line = usize::try_from(diagnostic.position.line).unwrap();
            assert!((1..=lines).contains(&line), "{diagnostic}");
            assert!(diagnostic.position.column >= 1, "{diagnostic}");
            assert!(!diagnostic.message.ends_with('.'), "{diagnostic}");
        }
    }
}

#[test]
fn every_expected_message_has_its_file() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "stderr") {
            assert!(path.with_extension("yaml").exists(), "{} is left over", path.display());
        }
    }
}
