//! Faults for the tool's own tests, from environment variables. Without the feature `inject` nothing here does anything,
//! and no release is built with it.

use std::fs;
use std::path::Path;

use crate::record::BlockState;

fn wish(name: &str) -> Option<String> {
    if cfg!(feature = "inject") { std::env::var(name).ok() } else { None }
}

/// How much slower a probe is made in on-blocks: `CONTAIN_TEST_INJECT_SLOWDOWN=probe=factor`, 1.0 for twice as long.
pub fn slowdown(probe: &str, state: BlockState) -> Option<f64> {
    if state == BlockState::Off {
        return None;
    }
    let wish = wish("CONTAIN_TEST_INJECT_SLOWDOWN")?;
    let (name, factor) = wish.split_once('=')?;
    (name == probe).then(|| factor.parse().ok()).flatten()
}

/// Fewer latency and capacity pairs, for tests that are not about figures: `CONTAIN_TEST_INJECT_PAIRS=latency,capacity`.
pub fn pairs() -> Option<(u32, u32)> {
    let wish = wish("CONTAIN_TEST_INJECT_PAIRS")?;
    let (latency, capacity) = wish.split_once(',')?;
    Some((latency.parse().ok()?, capacity.parse().ok()?))
}

/// Leaves a cgroup behind, so that clean-up fails: `CONTAIN_TEST_INJECT_LEFTOVER=1`.
pub fn leave_behind(group: &Path) {
    if wish("CONTAIN_TEST_INJECT_LEFTOVER").is_some() {
        // A test that asked for it sees when it is not there.
        let _ = fs::create_dir(group);
    }
}

/// Fails steps: `CONTAIN_TEST_INJECT_FAIL=scope/part/number,…`, where the scope is a config or `run`, and the part `set-up` or
/// `tear-down`.
pub fn fails(scope: &str, part: &str, number: usize) -> bool {
    let step = format!("{scope}/{part}/{number}");
    wish("CONTAIN_TEST_INJECT_FAIL").is_some_and(|list| list.split(',').any(|at| at == step))
}

/// Panics at `CONTAIN_TEST_INJECT_PANIC=config/point`, where a point is a phase or `attack-on`.
pub fn panic_at(config: &str, point: &str) {
    if wish("CONTAIN_TEST_INJECT_PANIC").is_some_and(|at| at == format!("{config}/{point}")) {
        panic!("injected panic at {config}/{point}");
    }
}
