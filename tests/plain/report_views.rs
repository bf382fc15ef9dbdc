//! The views of a record for people, from a record made by hand.

use std::collections::BTreeMap;

use contain_test::analyze::{ExitOptions, exit_verdict};
use contain_test::record::{Case, Cleanup, Report, ScenarioRecord, Verdict, WITH_SWAP};
use contain_test::report::{Format, ReadError, ViewOptions, from_json, render, to_json};
use contain_test::scenario::{Control, Limits, Resource};
use fixture::report;

use crate::fixture;

const GOLDEN: &str = "\
4 cases: 1 contained, 1 harmless, 2 denied; 3 of 4 expectations met.

Not as expected
  pids/pids-4096  denied 100% EAGAIN  ██████████ 100 % lost
    scenarios/pids.yaml:17:13: expected contained, seen denied (pids-4096): pids.max 4096 was not
      what stopped it, the node's capacity was: peak 508, 12,345 refusals; pids/fork failed 512 of
      512 times with EAGAIN under attack, 0 of 490 when quiet.
    to contain it: pids: 64 (pids.max = 64): the same attack was contained with it (pids/pids-64)

Leaks without limits, as an attack should
  pids/open  denied 100% EAGAIN  ██████████ 100 % lost

pids: A fork bomb must not take process IDs from its neighbour.
host: kernel 6.18.0, x86_64, cgroup v1+v2 (hybrid), 2 CPUs, 4096 MiB
┌──────────┬─────────────────┬────────────────────┬─────────────────┬────────────────────┐
│          ┆ sham            ┆ open               ┆ pids-64         ┆ pids-4096          │
╞══════════╪═════════════════╪════════════════════╪═════════════════╪════════════════════╡
│ cpu      ┆ ×1.00           ┆ ×1.00              ┆ ×1.00           ┆ ×1.00              │
│ memory   ┆ ×1.30           ┆ ×1.30              ┆ ×1.30           ┆ ×1.30              │
│ pids     ┆ contained ×1.03 ┆ denied 100% EAGAIN ┆ contained ×1.03 ┆ denied 100% EAGAIN │
│ ceiling  ┆ –               ┆ –                  ┆ 64/64 held      ┆ 508/4096 node full │
│          ┆                 ┆                    ┆ 12k refused     ┆ 12k refused        │
│ verdict  ┆ harmless        ┆ denied             ┆ contained       ┆ denied             │
│ expected ┆ –               ┆ ✓ leaks            ┆ ✓ contained     ┆ ✗ contained        │
│          ┆                 ┆                    ┆ ✓ inside.pid 1  ┆                    │
└──────────┴─────────────────┴────────────────────┴─────────────────┴────────────────────┘
×N: took N times as long under attack; +N µs: longer, but too little for a leak; no word: not judged
";

#[test]
fn the_table_is_the_golden_one() {
    let text = render(&report(), Format::Table, &ViewOptions::default());
    assert_eq!(text, GOLDEN, "\n{text}");
}

/// What else was different there helped: to set what is set already would help nobody.
#[test]
fn a_limit_that_did_not_help_is_no_advice() {
    let mut report = report();
    let limits = Limits { nproc: Some(64), ..Limits::default() };
    for case in &mut report.scenarios[0].cases {
        if case.control.is_none() {
            case.limits = limits.clone();
        }
    }
    let text = render(&report, Format::Table, &ViewOptions::default());
    assert!(text.contains("to contain it: pids: 32 "), "{text}");
}

/// Another look at the file of memory would find nothing: it reads what was written.
#[test]
fn swap_left_open_is_answered_with_a_limit_of_swap() {
    let mut report = report();
    let case = report.scenarios[0].cases.iter_mut().find(|case| case.config == "pids-64").unwrap();
    case.verdict = Verdict::Breached;
    let ceiling = case.ceilings.first_mut().expect("a ceiling");
    (ceiling.knob, ceiling.kept) = ("memory.max".to_owned(), false);
    ceiling.peak_source = WITH_SWAP.to_owned();
    let text = render(&report, Format::Table, &ViewOptions::default());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("to contain it: memory.max counts no swap: limit that too"), "{text}");
}

/// With three attacked resources the attacks are rows of one table; in a narrow terminal, or with `-v`, the grids are there as ever.
#[test]
fn several_attacked_resources_make_one_matrix() {
    let mut report = report();
    let cases = &mut report.scenarios[0].cases;
    let open = cases.iter().find(|case| case.control == Some(Control::Open)).unwrap().clone();
    for (name, resource) in [("memory-open", Resource::Memory), ("cpu-open", Resource::Cpu)] {
        cases.push(Case { config: name.to_owned(), resource, ..open.clone() });
    }
    let text = render(&report, Format::Table, &ViewOptions::default());
    let rows: Vec<&str> =
        text.lines().filter(|line| line.contains("denied  ") || line.contains("×1.30")).collect();
    assert!(!text.contains("┌"), "{text}");
    assert!(
        rows.iter().any(|row| row.starts_with("memory-open") && row.contains("[×1.30]")),
        "{text}"
    );
    assert!(
        rows.iter().any(|row| row.starts_with("pids-64")
            && row.contains("[×1.03]")
            && row.contains("held")),
        "{text}"
    );
    assert!(text.contains("[…]: what the attack drains"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    for options in [
        ViewOptions { width: 50, ..ViewOptions::default() },
        ViewOptions { verbose: true, ..ViewOptions::default() },
    ] {
        assert!(render(&report, Format::Table, &options).contains("┌"));
    }
}

#[test]
fn no_line_of_a_table_is_wider_than_the_terminal() {
    let mut report = report();
    let held = report.scenarios[0].cases[1].clone();
    for index in 0..12 {
        let config = format!("pids-{index}-with-quite-a-long-name-of-its-own-そして広い文字");
        report.scenarios[0].cases.push(Case { config, ..held.clone() });
    }
    for width in [0, 40, 60, 80, 100, 500] {
        let text = render(&report, Format::Table, &ViewOptions { width, ..ViewOptions::default() });
        let mut tables = 0;
        for line in text.lines().filter(|line| line.starts_with(['┌', '│', '╞', '└'])) {
            // Wide characters are fewer than columns: the borders are measured exactly, the rest from below.
            assert!(line.chars().count() <= width.clamp(40, 100), "{width}: {line}");
            tables += usize::from(line.starts_with('┌'));
        }
        assert!(tables > 1, "split into several tables at {width}");
        assert!(text.matches("with-quite").count() >= 12, "no config is lost");
    }
}

#[test]
fn prose_fits_narrow_terminals_and_says_the_same_there() {
    let report = report();
    let wide =
        render(&report, Format::Table, &ViewOptions { width: 100, ..ViewOptions::default() });
    let prose = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with(['┌', '│', '╞', '└']));
        lines.collect::<Vec<_>>().join("\n").replace('█', "")
    };
    for width in [40, 60, 80] {
        let view = ViewOptions { width, verbose: true, ..ViewOptions::default() };
        let text = render(&report, Format::Table, &view);
        for line in prose(&text).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        let words = |text: &str| prose(text).split_whitespace().collect::<Vec<_>>().join(" ");
        for sentence in
            ["pids.max 4096 was not what stopped it", "to contain it: pids: 64 (pids.max = 64)"]
        {
            assert!(words(&text).contains(sentence) && words(&wide).contains(sentence), "{text}");
        }
        assert_eq!(text.contains('█'), width >= 60, "bars where there is room: {text}");
    }
}

#[test]
fn plain_text_has_no_escape_codes_and_colour_adds_nothing_else() {
    let report = report();
    for verbose in [false, true] {
        let plain = ViewOptions { verbose, ..ViewOptions::default() };
        let plain = render(&report, Format::Table, &plain);
        assert!(!plain.contains('\u{1b}'));
        assert!(
            !plain.chars().any(|it| ('\u{2060}'..='\u{206f}').contains(&it)),
            "no mark is left"
        );
        let color = ViewOptions { color: true, verbose, ..ViewOptions::default() };
        let mut color = render(&report, Format::Table, &color);
        assert!(color.contains("\u{1b}[31m") && color.contains("\u{1b}[32m"));
        for code in
            ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m"]
        {
            color = color.replace(code, "");
        }
        assert_eq!(color, plain);
    }
}

#[test]
fn quiet_is_one_line_and_verbose_has_the_intervals() {
    let report = report();
    let quiet = ViewOptions { quiet: true, ..ViewOptions::default() };
    assert_eq!(
        render(&report, Format::Table, &quiet),
        "4 cases: 1 contained, 1 harmless, 2 denied; 3 of 4 expectations met.\n"
    );
    let verbose = ViewOptions { verbose: true, ..ViewOptions::default() };
    let verbose = render(&report, Format::Table, &verbose);
    assert!(verbose.contains("median ×1.02 (1.00–1.06)"), "{verbose}");
    assert!(verbose.contains("pids.max 64 held: peak 64, 12,345 refusals (counts"), "{verbose}");
}

#[test]
fn text_from_files_cannot_steer_the_terminal() {
    let mut report = report();
    let evil = "x\u{1b}[2J\u{9b}31m\r\n\u{202e}\u{2062}";
    let scenario = &mut report.scenarios[0];
    (scenario.name, scenario.file) = (evil.into(), evil.into());
    scenario.summary = Some(evil.into());
    for case in &mut scenario.cases {
        case.config = evil.into();
        case.attacker.push_str(evil);
        case.reason = evil.into();
        case.residue = vec![evil.into()];
        for it in &mut case.expectations {
            (it.met, it.seen) = (Some(false), Some(evil.into()));
            (it.expected, it.target) = (evil.into(), evil.into());
        }
        for cell in &mut case.cells {
            cell.failures = BTreeMap::from([(evil.into(), 3)]);
            cell.probe.push_str(evil);
        }
        for ceiling in case.ceilings.iter_mut().chain(&mut case.ceiling) {
            (ceiling.knob, ceiling.note) = (evil.into(), evil.into());
        }
    }
    report.machines[0].kernel = evil.into();
    report.cleanup = Cleanup { complete: false, failures: vec![evil.into()] };
    for format in Format::ALL {
        let options = ViewOptions { verbose: true, ..ViewOptions::default() };
        let text = render(&report, format, &options);
        let bad =
            |it: char| (it.is_control() && it != '\n') || ('\u{2028}'..='\u{206f}').contains(&it);
        assert_eq!(text.chars().find(|&it| bad(it)), None, "{format:?}");
    }
    assert_eq!(from_json(&to_json(&report)).unwrap(), report);
}

#[test]
fn json_comes_back_as_it_was() {
    let report = report();
    let text = render(&report, Format::Json, &ViewOptions::default());
    assert_eq!(from_json(&text).unwrap(), report);
    assert!(text.ends_with("}\n"));
    let other = text.replace("contain-test/report", "something/else");
    assert!(matches!(from_json(&other), Err(ReadError::Schema { .. })));
    let newer = text.replace("\"schema_version\": 1", "\"schema_version\": 99");
    assert!(matches!(from_json(&newer), Err(ReadError::Version { found: 99 })));
    assert!(matches!(from_json("{"), Err(ReadError::Json(_))));
}

#[test]
fn an_empty_report_can_be_shown() {
    let empty = Report { machines: Vec::new(), scenarios: Vec::new(), ..report() };
    let text = render(&empty, Format::Table, &ViewOptions::default());
    assert_eq!(text, "0 cases; nothing was expected.\n");
    let none = ScenarioRecord { cases: Vec::new(), ..report().scenarios[0].clone() };
    let text =
        render(&Report { scenarios: vec![none], ..empty }, Format::Table, &ViewOptions::default());
    assert!(text.starts_with("0 cases; nothing was expected.\n\npids: A fork bomb"), "{text}");
}

#[test]
fn what_a_reader_must_know_of_the_run_is_told_in_every_view_for_people() {
    let mut report = report();
    report.warnings = vec!["another run took place at the same time".into()];
    for format in [Format::Table, Format::Markdown, Format::Html, Format::Github] {
        let text = render(&report, format, &ViewOptions::default());
        assert!(text.contains("another run took place at the same time"), "{format:?}: {text}");
    }
}

#[test]
fn this_record_stands_for_an_unmet_expectation() {
    assert_eq!(exit_verdict(&report(), ExitOptions::default()), 1);
}
