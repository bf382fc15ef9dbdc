//! Input that is hostile, by mutation of real input: records, the kernel's files, what sandboxes and guests say, ledgers. Whatever is in
//! it, the answer is a value or an error, never a panic, and no view lets a character through that a terminal would act on.
//!
//! `CONTAIN_TEST_FUZZ=N cargo test --release --test plain hostile` tries N inputs for each target (256 without it).

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;

use contain_test::analyze::{Source, compare, judge_again};
use contain_test::engine::Ledger;
use contain_test::host;
use contain_test::report::{Format, ViewOptions, from_json, redacted, render, to_json};
use contain_test::sandbox::{Channel, Received};
use contain_test::scenario::Tolerances;
use contain_test::vm::link::{Heard, Link};
use contain_test_workloads::protocol::{Order, Reply};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tree::FixtureMachine;

use crate::record;
use crate::tree;

fn rounds() -> ProptestConfig {
    let cases = std::env::var("CONTAIN_TEST_FUZZ").ok().and_then(|text| text.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.unwrap_or(256)) }
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

/// Values where none of the kind was expected.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(-1)),
        Just(json!(0)),
        Just(json!(u64::MAX)),
        Just(json!(f64::MAX)),
        Just(json!(f64::MIN_POSITIVE)),
        Just(json!(1e-300)),
        Just(json!("")),
        Just(json!("\u{1b}[31m::error::x\r\n| `<script>` ]]>")),
        Just(json!("x".repeat(3000))),
        Just(json!([])),
        Just(json!({})),
        Just(json!(true)),
        "\\PC{0,12}".prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("a number of JSON", |number| {
            serde_json::Number::from_f64(number).map(Value::Number)
        }),
    ]
}

/// Puts values in the place of others, anywhere in a document, or takes and doubles members of lists.
fn disturbed(document: &Value, changes: &[(Index, u8, Value)]) -> Value {
    let mut document = document.clone();
    for (which, how, value) in changes {
        let mut paths = Vec::new();
        collect("", &document, &mut paths);
        let path = paths[which.index(paths.len())].clone();
        let Some(place) = document.pointer_mut(&path) else { continue };
        match (how % 4, place) {
            (0, Value::Array(list)) => list.extend(list.clone()),
            (1, Value::Array(list)) => drop(list.pop()),
            (2, Value::Object(map)) => drop(map.keys().next().cloned().map(|key| map.remove(&key))),
            (_, place) => *place = value.clone(),
        }
    }
    document
}

fn collect(at: &str, value: &Value, paths: &mut Vec<String>) {
    paths.push(at.to_owned());
    match value {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(index, item)| collect(&format!("{at}/{index}"), item, paths)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            collect(&format!("{at}/{key}"), item, paths);
        }),
        _ => {}
    }
}

/// Everything that is done with a record that could be read.
fn use_record(text: &str) {
    let Ok(mut report) = from_json(text) else { return };
    // Not every record can be judged again; every one can be shown.
    let _ = judge_again(&mut report, &Tolerances::default(), 7);
    let sound = record::record();
    let both = [("old", &sound), ("new", &report)].map(|(file, report)| Source { file, report });
    let _ = compare(&both, &sound.tool, 7);
    let _ = redacted(&report);
    let view = ViewOptions { width: 80, verbose: true, ..ViewOptions::default() };
    for format in Format::ALL {
        let text = render(&report, format, &view);
        let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        assert!(!text.contains(steers), "{format:?}: {text:?}");
    }
}

fn document() -> Value {
    serde_json::from_str(&to_json(&record::record())).unwrap()
}

/// Replies of every kind, as a sandbox sends them.
const REPLIES: [&str; 5] = [
    r#"{"reply":"ready","pid":1}"#,
    r#"{"reply":"holding","operations":3,"refusals":{"EAGAIN":9},"peak":3,"held":3,"respawns":0,"at_dose_cap":false}"#,
    r#"{"reply":"calibrated","cost_ns":{"pids/fork":300000},"failures":{}}"#,
    r#"{"reply":"measured","samples":[{"probe":"pids/fork","attempts":3,"done":3,"failures":{},"elapsed_ns":250000000,"latency_sum_ns":9,"latency_ns":[[3,3]],"missing":false}]}"#,
    r#"{"reply":"failed","error":"x"}"#,
];

const LEDGER: &str =
    "{\"cgroup\":\"/sys/fs/cgroup/contain-test-0badcafe\"}\n{\"mount\":\"/run/x\"}\n";

const HOSTS: [&str; 4] = ["hybrid", "systemd-v2", "v1-comounted", "docker-read-only"];
const FILES: [&str; 6] = [
    "proc/self/mountinfo",
    "proc/self/status",
    "proc/self/uid_map",
    "proc/meminfo",
    "proc/sys/kernel/osrelease",
    "sys/devices/system/cpu/online",
];

proptest! {
    #![proptest_config(rounds())]

    #[test]
    fn records_with_other_bytes(edits in edits()) {
        let text = edited(to_json(&record::record()).as_bytes(), &edits);
        use_record(&String::from_utf8_lossy(&text));
    }

    #[test]
    fn records_with_other_values(
        changes in proptest::collection::vec((any::<Index>(), any::<u8>(), odd_value()), 1..4)
    ) {
        use_record(&disturbed(&document(), &changes).to_string());
    }

    #[test]
    fn files_of_the_kernel(host in 0..HOSTS.len(), file in 0..FILES.len(), edits in edits()) {
        let fixture = FixtureMachine::new(HOSTS[host]);
        let path = fixture.folder().join(FILES[file]);
        let text = fs::read(&path).unwrap_or_default();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, edited(&text, &edits)).unwrap();
        let machine = host::machine(&fixture.roots);
        prop_assert!(!machine.requirements.is_empty());
    }

    #[test]
    fn replies_of_sandboxes(which in 0..REPLIES.len(), edits in edits()) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut channel = Channel::new(Box::new(ours));
        theirs.write_all(&edited(REPLIES[which].as_bytes(), &edits)).unwrap();
        theirs.write_all(b"\n").unwrap();
        drop(theirs);
        // Bounded by the bytes that were sent: each answer takes some.
        for _ in 0..200 {
            match channel.receive::<Reply>() {
                Received::Ended => return Ok(()),
                Received::Reply(_) | Received::Nothing => {}
            }
        }
        prop_assert!(false, "the conversation did not end");
    }

    #[test]
    fn orders_to_sandboxes(edits in edits()) {
        let order = r#"{"order":"measure","duration_ms":250,"probes":[{"probe":"pids/fork","pace":{"mode":"closed"}}],"net":true}"#;
        let _ = serde_json::from_slice::<Order>(&edited(order.as_bytes(), &edits));
    }

    #[test]
    fn words_of_guests(edits in edits()) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut link = Link::new(ours).unwrap();
        let said = br#"{"over":{"code":0,"left":[]}}"#;
        theirs.write_all(&edited(said, &edits)).unwrap();
        theirs.write_all(b"\n").unwrap();
        drop(theirs);
        for _ in 0..200 {
            if matches!(link.hear(), Heard::Ended) {
                return Ok(());
            }
        }
        prop_assert!(false, "it did not end");
    }

    #[test]
    fn ledgers(edits in edits()) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(Ledger::FILE), edited(LEDGER.as_bytes(), &edits)).unwrap();
        prop_assert!(Ledger::read(folder.path()).len() <= 8);
    }
}

/// The seeds are what they are meant to be.
#[test]
fn unchanged_input_is_read() {
    assert!(from_json(&to_json(&record::record())).is_ok());
    for reply in REPLIES {
        assert!(serde_json::from_str::<Reply>(reply).is_ok(), "{reply}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(Ledger::FILE), LEDGER).unwrap();
    assert_eq!(Ledger::read(folder.path()).len(), 2);
}
