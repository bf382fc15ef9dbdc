//! The page for browsers: it loads nothing and runs nothing, names cannot break out, its links lead somewhere, and it stays of a
//! size that a browser likes. How it looks and works in a browser is tested in `tests/browser`.

use std::collections::BTreeSet;

use contain_test::record::Report;
use contain_test::report::{Format, ViewOptions, from_json, render};

use crate::gallery;
use crate::record;

fn page(report: &Report) -> String {
    render(report, Format::Html, &ViewOptions::default())
}

/// The values of an attribute, in the order of the page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    page.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    for report in [record::record(), gallery::gallery()] {
        let page = page(&report);
        for forbidden in [
            "<script",
            "<link",
            "<img",
            "<iframe",
            "@import",
            "url(",
            "http://",
            " src=",
            " onclick",
            "javascript:",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("default-src 'none'"));
        assert!(values(&page, "href").iter().all(|link| link.starts_with('#')));
    }
}

#[test]
fn every_link_leads_to_one_place() {
    let page = page(&gallery::gallery());
    let ids = values(&page, "id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an id is given twice");
    let links = values(&page, "href");
    assert!(links.len() > 300, "{}", links.len());
    for link in links {
        assert!(unique.contains(&link[1..]), "{link}");
    }
}

#[test]
fn the_page_is_well_formed() {
    for report in [record::record(), gallery::gallery()] {
        let page = page(&report);
        let mut open: Vec<&str> = Vec::new();
        let body = page.strip_prefix("<!DOCTYPE html>").unwrap();
        for piece in body.split('<').skip(1) {
            let (tag, _) = piece.split_once('>').expect("a tag ends");
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "{tag}");
            } else if !tag.ends_with('/') && !["meta", "br"].contains(&name) {
                open.push(name);
            }
        }
        assert_eq!(open, Vec::<&str>::new());
    }
}

#[test]
fn names_cannot_break_out_of_the_page() {
    let mut report = record::record();
    let evil = "</title></style></svg><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&\u{202e}\u{1b}[2J";
    report.scenarios[0].name = evil.into();
    report.scenarios[0].file = evil.into();
    report.scenarios[0].summary = Some(evil.into());
    report.machines[0].kernel = evil.into();
    report.machines[0].id = evil.into();
    report.tool.version = evil.into();
    report.cleanup.failures = vec![evil.into()];
    for case in &mut report.scenarios[0].cases {
        case.machine = evil.into();
        (case.config, case.attacker, case.reason) = (evil.into(), evil.into(), evil.into());
        case.steps = vec![evil.into()];
        case.residue = vec![evil.into()];
        case.measured_for = Some(evil.into());
        for it in &mut case.expectations {
            (it.target, it.expected, it.seen, it.met) =
                (evil.into(), evil.into(), Some(evil.into()), Some(false));
        }
        for ceiling in case.ceilings.iter_mut().chain(&mut case.ceiling) {
            (ceiling.knob, ceiling.note) = (evil.into(), evil.into());
        }
        for cell in &mut case.cells {
            cell.probe.push_str(evil);
            cell.failures.insert(evil.into(), 3);
        }
        for block in &mut case.blocks {
            for sample in &mut block.probes {
                sample.probe.push_str(evil);
            }
        }
    }
    let page = page(&report);
    assert!(
        !page.contains("<script")
            && !page.contains("<img")
            && !page.contains('\u{202e}')
            && !page.contains('\u{1b}')
    );
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("</title>").count(), 1);
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(page.matches("&lt;script&gt;").count() > 50, "they are shown as they are");
}

#[test]
fn numbers_that_are_none_do_not_break_a_chart() {
    let mut report = record::record();
    for case in &mut report.scenarios[0].cases {
        for (index, block) in case.blocks.iter_mut().enumerate() {
            block.start_ms = [f64::NAN, f64::INFINITY, -1e300, 0.0][index % 4];
            block.end_ms = [f64::NEG_INFINITY, 1e300][index % 2];
            block.attacker_cpu_seconds = Some([f64::NAN, -1.0, f64::MAX][index % 3]);
            for sample in &mut block.probes {
                sample.elapsed_seconds = f64::NAN;
                sample.latency_ns = vec![(0, 0), (u64::MAX, u64::MAX), (1, u64::MAX)];
                sample.attempts = u64::MAX;
                sample.done = u64::MAX;
            }
        }
        for ceiling in case.ceilings.iter_mut() {
            (ceiling.limit, ceiling.peak, ceiling.node_peak) = (0, Some(u64::MAX), Some(u64::MAX));
        }
        for cell in &mut case.cells {
            cell.tolerance = f64::NAN;
            if let Some(isol) = &mut cell.isol {
                (isol.low, isol.median, isol.high) = (f64::NAN, 0.0, -5.0);
            }
            cell.attempts = u64::MAX;
        }
    }
    let page = page(&report);
    for number in ["NaN", "inf", "e300"] {
        for chart in page.split("<svg").skip(1).map(|rest| rest.split("</svg>").next().unwrap()) {
            for data in [" d=\"", " x=\"", " y=\"", " width=\""] {
                for value in chart.split(data).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                    assert!(!value.contains(number), "{value}");
                }
            }
        }
    }
}

#[test]
fn a_large_report_stays_of_a_size_that_browsers_like() {
    let report = gallery::gallery();
    let cells: usize =
        report.scenarios.iter().flat_map(|it| &it.cases).map(|case| case.cells.len()).sum();
    assert!(cells > 700, "{cells}");
    let page = page(&report);
    assert!(page.len() < 12 << 20, "{} bytes", page.len());
    assert!(page.len() / cells < 14_000, "{} bytes a cell", page.len() / cells);
}

#[test]
fn the_page_holds_what_a_reader_looks_for() {
    let page = page(&gallery::gallery());
    for words in [
        "Containment report",
        "Not as expected",
        "Leaks in spite of limits",
        "What it means: ",
        "What would contain it: ",
        "--pids-limit 64",
        "podPidsLimit: 64",
        "pids.max = 64",
        "resources.limits.memory: 64Mi",
        "Latency over time",
        "Distribution of latency",
        "Rate over time",
        "Failed operations",
        "vm-5.10",
        "swap.present",
        "--seed 42",
        "scenarios/cpu-burn.yaml",
        "ENFILE",
    ] {
        assert!(page.contains(words), "{words}");
    }
    // What is worst comes first.
    let place = |words: &str| page.find(words).unwrap();
    assert!(
        place("id=\"findings\"") < place("id=\"matrix\"")
            && place("id=\"matrix\"") < place("id=\"scenarios\"")
    );
    assert!(place("Not as expected") < place("Leaks without limits"));
}

#[test]
fn the_reference_record_is_shown_whole() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/reference.json");
    let report = from_json(&std::fs::read_to_string(path).unwrap()).unwrap();
    let page = page(&report);
    for case in &report.scenarios[0].cases {
        assert!(page.contains(&case.reason), "{}", case.reason);
    }
    // A chart of latency for each cell, and one of distribution.
    let cells: usize = report.scenarios[0].cases.iter().map(|case| case.cells.len()).sum();
    assert_eq!(page.matches("Latency over time").count(), cells);
    assert!(page.contains("sudo contain-test run scenarios/pids.yaml --seed 1122847588"));
}
