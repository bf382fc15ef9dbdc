//! `burst`: a load that comes in bursts.

use std::ops::RangeInclusive;

use crate::scenario::diagnostic::{Problems, Spot};
use crate::scenario::node::{Entry, Node};
use crate::scenario::units::{format_duration, parse_duration};
use crate::scenario::written::Located;
use crate::scenario::{Burst, words};
use std::time::Duration;

/// Microseconds that a period may have: shorter ones are ticks of the kernel, longer ones no bursts within a block.
pub(in crate::scenario) const PERIOD_US: RangeInclusive<u64> = 1_000..=1_000_000;

/// The shortest busy time, in microseconds.
pub(in crate::scenario) const LEAST_BUSY_US: u64 = 100;

const KEYS: &[&str] = &["busy", "period"];

/// Reads `{busy: 20ms, period: 100ms}`, both of which must be given. `spot` is the place of the key.
pub(in crate::scenario) fn burst(
    node: &Node,
    spot: Spot,
    problems: &mut Problems,
) -> Option<Located<Burst>> {
    let entries = words::map(node, "`burst`", problems)?;
    for entry in entries.iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
        words::unknown(problems, entry.key_spot, "key in `burst`", &entry.key, KEYS, &[]);
    }
    let busy = time(entries, "busy", spot, problems);
    let period = time(entries, "period", spot, problems);
    let (busy, period) = (busy?, period?);
    let mut legal = true;
    if !PERIOD_US.contains(&period.value) {
        problems
            .add(period.spot, "`period` must be between 1ms and 1s")
            .help("100ms is the period of CPU quotas");
        legal = false;
    }
    if busy.value < LEAST_BUSY_US || busy.value > period.value {
        let most = format_duration(Duration::from_micros(period.value));
        problems
            .add(busy.spot, format!("`busy` must be between 100us and the period, which is {most}"))
            .help("a load that is busy all of the time needs no `burst`");
        legal = false;
    }
    let value = Burst { busy_us: busy.value, period_us: period.value };
    legal.then_some(Located { value, spot })
}

/// A duration in microseconds.
fn time(entries: &[Entry], key: &str, spot: Spot, problems: &mut Problems) -> Option<Located<u64>> {
    let Some(entry) = entries.iter().find(|entry| entry.key == key) else {
        problems
            .add(spot, format!("`burst` has no `{key}`"))
            .help("write both, such as `burst: {busy: 20ms, period: 100ms}`");
        return None;
    };
    let time = words::quantity(&entry.value, &format!("`{key}`"), parse_duration, problems)?;
    let value = u64::try_from(time.value.as_micros()).unwrap_or(u64::MAX);
    Some(Located { value, spot: time.spot })
}
