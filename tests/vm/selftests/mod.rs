//! The kernel's own selftests of control groups beside this tool, in one boot of the same guest: whether both say of each limit that it holds, and
//! whether both notice when it does not.
//!
//! The selftests are programs that `tests/selftests.sh` builds outside of the tree; `CONTAIN_TEST_SELFTESTS` names their folder. Without it there
//! is no such test. Table and set-ups are explained in docs/selftests.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use contain_test::record::{Case, Report, Verdict, describe_ceiling};
use contain_test::scenario::parse;
use contain_test::vm::{Extra, Limits};

use crate::guest::{options, run, spec};
use crate::sabotage::{Plan, run_inside};

mod set_ups;
mod tap;

use set_ups::{KILL, ROWS, Row, SET_UPS, SetUp};
use tap::{Answer, Came, answers_in};

pub fn beside_ours() -> Option<String> {
    let folder =
        std::env::var("CONTAIN_TEST_SELFTESTS").expect("this test is listed with it alone");
    let wanted = std::env::var("CONTAIN_TEST_SELFTESTS_SET_UP").ok();
    let mut lines = String::new();
    let mut headed = false;
    let mut wrong = Vec::new();
    for set_up in SET_UPS.iter().filter(|it| wanted.as_deref().is_none_or(|name| name == it.name)) {
        let answers = match of(set_up, Path::new(&folder)) {
            Ok(answers) => answers,
            Err(reason) => return Some(reason),
        };
        if !headed {
            headed = true;
            lines.push_str(&head(&answers));
        }
        for row in ROWS.iter().filter(|row| set_up.asks(row)) {
            lines.push_str(&line(set_up, row, &answers, &mut wrong));
        }
        show(&lines);
        lines.clear();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    None
}

fn head(answers: &Answers) -> String {
    let machine = &answers.reports[0].machines[0];
    format!(
        "kernel {}, cgroup v2, {} CPUs, {} MiB of swap\n\n\
         | set-up | limit | the kernel's selftests | our ceiling | our verdict | the same? |\n|---|---|---|---|---|---|\n",
        machine.kernel,
        machine.cpus,
        machine.swap_bytes.div_ceil(1 << 20)
    )
}

#[expect(clippy::print_stdout, reason = "the table is what this test is for")]
fn show(lines: &str) {
    println!("{}", lines.trim());
}

/// Both sides' answers in one set-up.
struct Answers {
    reports: Vec<Report>,
    theirs: BTreeMap<String, Answer>,
}

/// Programs and files of the guest's root, with its disk below: the selftests want one on a real disk, for the sake of page cache and dentries. Each
/// program is given time, and not more.
fn commands(names: &[&str]) -> String {
    let mut text =
        "for name in sys proc dev; do mkdir /disk/$name; mount -o rbind /$name /disk/$name; done\n\
                    cp -r /selftests /disk\n"
            .to_owned();
    for name in names {
        let _ = writeln!(text, "echo @selftest {name}; timeout 300 chroot /disk /selftests/{name}");
    }
    // What a failed test leaves goes on burning and holding, and a time limit goes on waiting. And whoever comes next shall find one tree of groups.
    let _ = writeln!(text, "killall -9 timeout {} 2>/dev/null", names.join(" "));
    text.push_str("for name in sys proc dev; do umount -l /disk/$name; done\n");
    text
}

fn of(set_up: &SetUp, folder: &Path) -> Result<Answers, String> {
    let machine = spec(|spec| {
        spec.swap_bytes = 512 << 20;
        spec.disk_bytes = 1 << 30;
        spec.append = set_up.append.map(str::to_owned);
    });
    let mut answers = Answers { reports: Vec::new(), theirs: BTreeMap::new() };
    if !set_up.scenarios.is_empty() {
        let mut extras = Vec::new();
        for name in set_up.selftests {
            let path = folder.join(name);
            let contents = std::fs::read(&path).map_err(|error| {
                format!("{}: {error}; tests/selftests.sh builds it", path.display())
            })?;
            extras.push(Extra::File(format!("selftests/{name}"), 0o755, contents));
        }
        let run = run_inside(
            &machine,
            &Plan {
                sabotage: set_up.sabotage,
                scenarios: set_up.scenarios,
                first: &commands(set_up.selftests),
                extras: &extras,
                limit: Duration::from_secs(1200),
            },
        )?;
        keep(set_up, &run.said);
        answers.theirs = answers_in(&run.said);
        answers.reports.push(run.report);
    }
    if let Some(text) = set_up.unguarded {
        let mut scenario = parse("/nonexistent/swap.yaml", text).map_err(|it| it.to_string())?;
        scenario.run_in(&machine);
        answers.reports.push(run(scenario, &options(Limits::default()), |_| {}).0);
    }
    Ok(answers)
}

/// Keeps what the selftests themselves said, for whoever asks why.
fn keep(set_up: &SetUp, said: &str) {
    let Some(path) = std::env::var_os("CONTAIN_TEST_SELFTESTS_LOG") else { return };
    let file = OpenOptions::new().create(true).append(true).open(path).expect("a log");
    write!(&file, "== {}\n{said}", set_up.name).expect("a log");
}

/// Whether one side says that the limit holds; None where it says nothing of it.
type Holds = Option<bool>;

fn line(set_up: &SetUp, row: &Row, answers: &Answers, wrong: &mut Vec<String>) -> String {
    let (theirs, they_say) = theirs(row, answers.theirs.get(row.program));
    let (ceiling, verdict, we_say) = match row.ours {
        Some((config, knob)) => ours(&answers.reports, config, knob),
        None if row.limit == KILL => killed(&answers.reports),
        None => ("–".to_owned(), "–".to_owned(), None),
    };
    let is_spoilt = row.ours.is_some_and(|(config, _)| set_up.spoilt.contains(&config));
    if row.ours.is_some() && we_say != Some(!is_spoilt) {
        let reason = row.ours.and_then(|(config, _)| of_config(&answers.reports, config));
        let reason = reason.map_or("", |case| case.reason.as_str());
        wrong.push(format!("{}: {}: {ceiling}, {verdict}: {reason}", set_up.name, row.limit));
    }
    let same = match (they_say, we_say) {
        (Some(they), Some(we)) if they == we => "yes",
        (Some(_), Some(_)) => "**no**",
        _ => "–",
    };
    format!("| {} | {} | {theirs} | {ceiling} | {verdict} | {same} |\n", set_up.name, row.limit)
}

/// What the selftests of a limit said, in words, and whether it holds by them. A skipped one says that it cannot be asked here.
fn theirs(row: &Row, answer: Option<&Answer>) -> (String, Holds) {
    if row.tests.is_empty() {
        return ("none asks this".to_owned(), None);
    }
    let Some(answer) = answer else { return ("not run".to_owned(), None) };
    if let Some(reason) = &answer.skipped {
        return (format!("all skipped: {reason}"), Some(false));
    }
    let of_row = |(name, _): &(&String, &Came)| row.tests.iter().any(|it| name.starts_with(it));
    let found: Vec<(&String, &Came)> = answer.tests.iter().filter(of_row).collect();
    let list = |came: Came| -> Vec<&str> {
        found.iter().filter(|it| *it.1 == came).map(|it| it.0.as_str()).collect()
    };
    let (ok, not_ok, skipped) = (list(Came::Ok), list(Came::NotOk), list(Came::Skipped));
    let named = |what: &str, names: &[&str]| match names.len() {
        0 => String::new(),
        1 | 2 => format!("{what}: `{}`", names.join("`, `")),
        count => format!("{what}: {count}"),
    };
    let words = [named("ok", &ok), named("not ok", &not_ok), named("skipped", &skipped)];
    let words: Vec<String> = words.into_iter().filter(|it| !it.is_empty()).collect();
    let says = match (ok.len(), not_ok.len()) {
        (_, 1..) => Some(false),
        (1.., 0) => Some(true),
        (0, 0) => None,
    };
    let words = if words.is_empty() { "no answer".to_owned() } else { words.join("; ") };
    (words, says)
}

/// The ceiling and the verdict of a config, and whether the limit holds by them. Whoever refuses to run does not say that it holds.
fn ours(reports: &[Report], config: &str, knob: &str) -> (String, String, Holds) {
    let Some(case) = of_config(reports, config) else {
        return ("no such case".to_owned(), "–".to_owned(), None);
    };
    let verdict = format!("`{}`", case.verdict);
    if case.verdict == Verdict::Skipped {
        return (first_sentence(&case.reason), verdict, Some(false));
    }
    let verdict = match case.verdict {
        Verdict::Error => format!("{verdict}: {}", first_sentence(&case.reason)),
        _ => verdict,
    };
    let ceiling = case.ceilings.iter().find(|it| it.knob == knob);
    let words = ceiling.map_or_else(
        || first_sentence(&case.reason),
        |it| {
            let changed = it.note.split("; ").find(|note| note.contains(" though "));
            let changed = changed.map_or_else(String::new, |note| format!("; {note}"));
            format!("{}{changed}", describe_ceiling(it))
        },
    );
    let holds = ceiling.map(|it| it.kept && holds(case));
    (words, verdict, holds)
}

/// Every sandbox was ended, with whatever it had started: a fork bomb, too.
fn killed(reports: &[Report]) -> (String, String, Holds) {
    let cases = reports.iter().flat_map(|report| &report.scenarios).map(|it| it.cases.len());
    let complete = reports.iter().all(|report| report.cleanup.complete);
    let left = if complete { "nothing left" } else { "something left" };
    (format!("{} cases ended by it, {left}", cases.sum::<usize>()), "–".to_owned(), Some(complete))
}

fn of_config<'a>(reports: &'a [Report], config: &str) -> Option<&'a Case> {
    let scenarios = reports.iter().flat_map(|report| &report.scenarios);
    let mut cases = scenarios.flat_map(|scenario| &scenario.cases);
    cases.find(|case| case.config == config)
}

/// No ceiling was passed, and nothing failed. Speed is no matter of an emulated machine.
fn holds(case: &Case) -> bool {
    case.ceilings.iter().all(|it| it.kept)
        && !matches!(case.verdict, Verdict::Breached | Verdict::Error | Verdict::Lost)
}

/// What is missing or wrong; the remedy is for whoever meets it outside of a table.
fn first_sentence(reason: &str) -> String {
    let line = reason.lines().next().unwrap_or_default();
    line.split("; remedy").next().unwrap_or_default().replace('|', "/")
}
