//! A page that says "a test shows it" names a test that exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Pages whose tables name tests.
const PAGES: [&str; 2] = ["docs/security.md", "docs/claims.md"];

/// A word of at least so many parts is a test's name and no key.
const LEAST_PARTS: usize = 4;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push(path);
        }
    }
}

/// What a page has between backticks that may be the name of a test, or the path of a file of the project.
fn named(page: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = fs::read_to_string(root().join(page)).expect(page);
    let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let is_plain = |word: &&&str| {
        word.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
    };
    let tests = quoted
        .iter()
        .filter(is_plain)
        .filter(|word| word.split('_').count() >= LEAST_PARTS)
        .map(|word| (*word).to_owned());
    let is_path = |word: &&&str| {
        ["tests/", "src/"].iter().any(|it| word.starts_with(it)) && !word.contains(' ')
    };
    let paths = quoted.iter().filter(is_path).map(|word| (*word).to_owned());
    (tests.collect(), paths.collect())
}

#[test]
fn tests_and_files_that_pages_name_exist() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "workloads/src"] {
        sources(&root().join(folder), &mut files);
    }
    let all: String = files.iter().map(|path| fs::read_to_string(path).expect("a file")).collect();
    let mut count = 0;
    for page in PAGES {
        let (tests, paths) = named(page);
        count += tests.len();
        for test in tests {
            let is_there =
                all.contains(&format!("fn {test}(")) || all.contains(&format!("\"{test}\""));
            assert!(is_there, "{page} names the test {test}, which is nowhere");
        }
        for path in paths {
            assert!(root().join(&path).exists(), "{page} names {path}, which is not there");
        }
    }
    assert!(count > 20, "only {count} tests are named");
}
