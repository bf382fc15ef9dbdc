//! Records: truncated, of other bytes, of other values.

use contain_test::analyze::{Source, compare, judge_again};
use contain_test::report::{Format, ViewOptions, from_json, redacted, render, to_json};
use contain_test::scenario::Tolerances;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::{edited, edits, rounds};
use crate::record;

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

/// The text of a record.
fn seed() -> &'static str {
    static SEED: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| to_json(&record::record()));
    &SEED
}

proptest! {
    #![proptest_config(rounds(1))]

    #[test]
    fn records_are_read_whatever_their_bytes(edits in edits(), of_the_head in any::<bool>()) {
        // What a record is and of which version is in its first lines.
        let (head, rest) = seed().split_at(if of_the_head { 120 } else { seed().len() });
        let text = [edited(head.as_bytes(), &edits), rest.as_bytes().to_vec()].concat();
        let _ = from_json(&String::from_utf8_lossy(&text));
    }
}

proptest! {
    #![proptest_config(rounds(40))]

    #[test]
    fn records_with_other_bytes(edits in edits()) {
        let text = edited(seed().as_bytes(), &edits);
        use_record(&String::from_utf8_lossy(&text));
    }

    #[test]
    fn records_with_other_values(
        changes in proptest::collection::vec((any::<Index>(), any::<u8>(), odd_value()), 1..4)
    ) {
        use_record(&disturbed(&document(), &changes).to_string());
    }
}

/// The seed is what it is meant to be.
#[test]
fn an_unchanged_record_is_read() {
    assert!(from_json(seed()).is_ok());
}
