//! What sandboxes and guests say, what they are told, and what a dead run left written.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;

use contain_test::engine::Ledger;
use contain_test::sandbox::{Channel, Received};
use contain_test::vm::link::{Heard, Link};
use contain_test_workloads::protocol::{Order, Reply};
use proptest::prelude::*;

use super::{edited, edits, rounds};

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

proptest! {
    #![proptest_config(rounds(1))]

    #[test]
    fn replies_of_sandboxes(
        which in 0..REPLIES.len(),
        edits in edits(),
        ends in any::<bool>(),
        flood in 0..2000,
    ) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let mut channel = Channel::new(Box::new(ours));
        theirs.write_all(&edited(REPLIES[which].as_bytes(), &edits)).unwrap();
        if ends {
            theirs.write_all(b"\n").unwrap();
        }
        // Who may speak for ever, without the end of a line, is cut off.
        for _ in 0..1000 {
            if flood == 0 {
                let _ = theirs.write(&[b'x'; 1 << 16]);
            }
            match channel.receive::<Reply>() {
                Received::Ended => return Ok(()),
                Received::Nothing if flood > 0 => break,
                Received::Reply(_) | Received::Nothing => {}
            }
        }
        drop(theirs);
        // Nobody is there any more, which is an error and no signal that would end the harness.
        prop_assert!(channel.send(&Order::Start).is_err());
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
fn unchanged_words_are_read() {
    for reply in REPLIES {
        assert!(serde_json::from_str::<Reply>(reply).is_ok(), "{reply}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(Ledger::FILE), LEDGER).unwrap();
    assert_eq!(Ledger::read(folder.path()).len(), 2);
}
