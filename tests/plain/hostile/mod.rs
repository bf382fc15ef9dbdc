//! Input that is hostile, by mutation of real input: scenarios, records, the kernel's files, what sandboxes and guests say, ledgers. Whatever is in
//! it, the answer is a value or an error, never a panic, and no view lets a character through that a terminal would act on.
//!
//! `CONTAIN_TEST_FUZZ=N cargo test --release --test plain hostile` tries N inputs for each target (256 without it), and of those that render and judge
//! every record they could read, or read a whole machine, a part.

mod kernel_files;
mod records;
mod scenarios;
mod words;

use proptest::prelude::*;
use proptest::sample::Index;

/// How many inputs a target gets whose inputs take `cost` times as long as a small one's: N by it, and 64 at least.
fn rounds(cost: u32) -> ProptestConfig {
    let cases = std::env::var("CONTAIN_TEST_FUZZ").ok().and_then(|text| text.parse().ok());
    let cases = (cases.unwrap_or(256_u32) / cost).max(64);
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// A change of a text: where, how many bytes go, and what comes instead.
#[derive(Debug, Clone)]
struct Edit {
    at: Index,
    removed: usize,
    instead: Vec<u8>,
}

fn edit() -> impl Strategy<Value = Edit> {
    let instead = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..6),
        prop_oneof![
            Just("\n"),
            Just("\0"),
            Just(" "),
            Just("-1"),
            Just("18446744073709551616"),
            Just("0-4294967295"),
            Just("max"),
            Just("\u{1b}[2J"),
            Just("::warning::"),
            Just("{"),
            Just("]"),
            Just("\""),
            Just("1e999"),
            Just("\u{202e}"),
        ]
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (any::<Index>(), 0_usize..40, instead).prop_map(|(at, removed, instead)| Edit {
        at,
        removed,
        instead,
    })
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec(edit(), 1..6)
}

fn edited(text: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut text = text.to_vec();
    for edit in edits {
        let start = edit.at.index(text.len() + 1);
        let end = (start + edit.removed).min(text.len());
        text.splice(start..end, edit.instead.iter().copied());
    }
    text
}
