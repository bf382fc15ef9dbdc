//! Scenario files are hostile input: whatever is in them, the answer is a scenario or located errors, never a panic.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use contain_test::scenario::{parse, shipped, with_controls};
use proptest::prelude::*;
use proptest::sample::Index;

use super::rounds;

/// Pieces that have broken YAML readers before.
const PIECES: [&str; 24] = [
    "",
    "\n",
    "\t",
    "  ",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: ",
    "!x ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "\"",
    "'",
    "|\n",
    "\u{feff}",
    "\u{0}",
    "18446744073709551616",
    "ß🦀\r",
];

/// What no shipped scenario uses.
const MATRIX: &str = "version: 1\nname: m\nattacker: {workload: forkbomb}\ntolerance: {pids: 50%}\n\
                      matrix:\n  limits.pids: [16, 64]\n  intensity: [1, 100%]\n  \
                      node.memory: [128Mi, 1Gi]\nconfigs:\n  - name: a\n    \
                      tolerance: {cpu/work: 20}\n    when: {cgroup: [v1, hybrid], kernel: '>=5.18,<9'}\n    \
                      expect:\n      - {pids: [contained, harmless], when: {arch: x86_64}}\n";

/// Everything of the tree that is a scenario or was meant to be one.
static SEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let files = ["tests/broken", "tests/scenarios", "tests/vm", "docs/examples"].map(|folder| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    });
    let mut paths = files.concat();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let text = |path: &PathBuf| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let shipped = shipped().iter().map(|(_, text)| (*text).to_owned());
    shipped.chain([MATRIX.to_owned()]).chain(paths.iter().map(text)).collect()
});

fn check(text: &str) {
    match parse("fuzz.yaml", text) {
        Ok(scenario) => assert!(with_controls(&scenario).len() >= scenario.configs.len()),
        Err(errors) => {
            assert!(!errors.0.is_empty());
            let shown = errors.to_string();
            assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
            for error in &errors.0 {
                assert!(error.position.line >= 1 && error.position.column >= 1);
            }
        }
    }
}

#[test]
fn the_matrix_is_a_scenario() {
    assert_eq!(parse("m.yaml", MATRIX).map(|scenario| scenario.configs.len()), Ok(8));
}

/// One change: what is put in, where, and how many characters it replaces.
fn change() -> impl Strategy<Value = (usize, usize, String)> {
    let piece = prop_oneof![
        (0..PIECES.len()).prop_map(|index| PIECES[index].to_owned()),
        "\\PC{0,6}",
        "[a-z0-9.:,{}\\[\\]&*!|>'\" \\n-]{0,8}",
    ];
    (0_usize..2500, 0_usize..12, piece)
}

proptest! {
    #![proptest_config(rounds(1))]

    #[test]
    fn changed_scenarios_never_panic(
        which in any::<Index>(),
        changes in proptest::collection::vec(change(), 1..6),
    ) {
        let mut text: Vec<char> = which.get(&SEEDS).chars().collect();
        for (at, removed, piece) in changes {
            let start = at.min(text.len());
            let end = (start + removed).min(text.len());
            text.splice(start..end, piece.chars());
        }
        check(&text.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_never_panics(text in "(?s).{0,200}") {
        check(&text);
    }
}

#[test]
fn the_largest_files_are_answered_quickly() {
    let start = std::time::Instant::now();
    for piece in
        PIECES.iter().filter(|piece| !piece.is_empty()).chain(&["a: &a [*a]\n", "? a\n", "k:\n "])
    {
        check(&piece.repeat((1 << 20) / piece.len()));
    }
    let keys: String = (0..100_000).map(|number| format!("{number:05}:\n")).collect();
    check(&keys);
    assert!(start.elapsed().as_secs() < 60, "took {:?}", start.elapsed());
}
