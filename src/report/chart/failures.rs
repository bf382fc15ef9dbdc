//! Failed operations by error, attacked against quiet.

use std::collections::BTreeSet;

use super::samples::float;
use super::scale::Scale;
use super::svg::{Anchor, Svg};
use super::{RIGHT, TOP, WIDTH};
use crate::record::{Cell, failure_sum, grouped};
use crate::report::escape::shortened;

/// Room for the names of errors.
const NAMES: f64 = 84.0;
/// Room for the counts.
const COUNTS: f64 = 128.0;
const ROW: f64 = 34.0;

/// More errors than these are added up.
const MOST: usize = 8;

/// A row for each error with a bar for either state; `None` when nothing failed.
pub(in crate::report) fn failures_chart(cell: &Cell) -> Option<String> {
    let names: BTreeSet<&str> =
        cell.failures.keys().chain(cell.quiet.failures.keys()).map(String::as_str).collect();
    if names.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(|name| std::cmp::Reverse(cell.failures.get(*name).copied().unwrap_or(0)));
    names.truncate(MOST);
    let on = float(cell.attempts.max(failure_sum(&cell.failures)).max(1));
    let off = float(cell.quiet.attempts.max(failure_sum(&cell.quiet.failures)).max(1));
    let scale = Scale::between(0.0, 1.0, (NAMES, WIDTH - RIGHT - COUNTS));
    let height = TOP + ROW * float(names.len() as u64) + 4.0;
    let mut svg =
        Svg::new(WIDTH, height, &format!("Operations of {} that failed, by error.", cell.probe));
    svg.text("name", (NAMES, 13.0), Anchor::Start, "share of the operations that failed");
    let mut top = TOP;
    for name in names {
        svg.text("tick", (NAMES - 6.0, top + 18.0), Anchor::End, &shortened(name, 12));
        for (class, words, counts, all, y) in [
            ("failed", "attacked", &cell.failures, on, top + 2.0),
            ("bar off key-off", "quiet", &cell.quiet.failures, off, top + 17.0),
        ] {
            let count = counts.get(name).copied().unwrap_or(0);
            let share = float(count) / all;
            svg.rect("track", (NAMES, y), (scale.at(1.0) - NAMES, 12.0));
            if count > 0 {
                svg.rect(class, (NAMES, y), ((scale.at(share) - NAMES).max(1.5), 12.0));
            }
            let text = format!("{} {words}", grouped(count));
            svg.text("key", (scale.at(1.0) + 6.0, y + 10.0), Anchor::Start, &text);
        }
        top += ROW;
    }
    Some(svg.finish())
}
