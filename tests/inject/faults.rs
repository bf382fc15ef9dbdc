//! Every step of set-up and of tear-down fails once, as if the kernel had refused it: each time the error names the step,
//! the file and the remedy, and nothing is left.

use serde_json::Value;

use crate::serial::{Ended, Program, leftovers};

const NONE: (&str, &str) = ("CONTAIN_TEST_INJECT_PAIRS", "0,0");
/// Cases of one run, each with a fault of its own: starting a run and measuring its controls takes as long as ten of them.
const AT_ONCE: usize = 10;

/// Cases that make everything and measure nothing, alike but for their names.
fn scenario(cases: usize) -> String {
    let configs: String = (0..cases)
        .map(|index| format!("  - {{name: {}, limits: {{pids: 20, net: 100k}}}}\n", config(index)))
        .collect();
    format!(
        "version: 1\nname: faults\nnode: {{disk: 16Mi, uplink: 1M}}\nattacker: {{workload: sleep}}\nconfigs:\n{configs}"
    )
}

fn config(index: usize) -> String {
    format!("c{index}")
}

fn run(cases: usize, faults: Option<&str>) -> Ended {
    let faults = faults.map(|faults| ("CONTAIN_TEST_INJECT_FAIL", faults));
    let environment: Vec<(&str, &str)> = [NONE].into_iter().chain(faults).collect();
    Program::start(&scenario(cases), &environment).finish()
}

/// Fails every step of a part once, each in a case of its own, so many cases in a run, and looks at what each run gave for its steps.
fn each_fails(
    part: &str,
    steps: &[String],
    at_once: usize,
    mut look: impl FnMut(&Ended, usize, &str, usize),
) {
    let numbered: Vec<(usize, &String)> = (1..).zip(steps).collect();
    for batch in numbered.chunks(at_once) {
        let faults: Vec<String> = batch
            .iter()
            .enumerate()
            .map(|(index, (number, _))| format!("{}/{part}/{number}", config(index)))
            .collect();
        let ended = run(batch.len(), Some(&faults.join(",")));
        assert_nothing_left(&faults.join(","), &ended);
        for (index, (number, step)) in batch.iter().enumerate() {
            look(&ended, index, step, *number);
        }
    }
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("a list: {list}"));
    list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

/// What a step works on, if that is a file of the host: it must be in the error.
fn file_of(step: &str) -> Option<&str> {
    if step.contains(": inside: ") {
        return None;
    }
    step.split_whitespace().find(|word| word.starts_with("/sys/") || word.starts_with("/run/"))
}

/// A step without what depends on the ID of its run: that decides the IDs of its users too.
fn neutral(step: &str) -> String {
    let step = step.split(": IDs ").next().unwrap_or(step);
    match step.split_once("become user ") {
        Some((before, _)) => format!("{before}become user "),
        None => step.to_owned(),
    }
}

fn assert_told(text: &str, part: &str, number: usize, step: &str) {
    let (who, _) = step.split_once(": ").expect("who does it");
    // The run's ID differs from run to run, so the step is compared up to the first path, or the first name of a link.
    let begin = neutral(step);
    let begin = begin.split(" /").next().unwrap_or(&begin);
    let begin = begin.split(" ct-").next().unwrap_or(begin);
    assert!(text.contains(&format!("{part} step {number} ({begin}")), "{step}: {text}");
    assert!(text.contains("remedy: "), "{step}: {text}");
    assert!(text.contains("EIO") || text.contains("Input/output error"), "{step}: {text}");
    if let Some(file) = file_of(step) {
        // Up to the run's ID, which differs.
        let folder = file.split("contain-test-").next().unwrap_or(file);
        let error = text.split("): ").nth(1).unwrap_or(text);
        assert!(error.contains(folder), "{who}: {step}: {text}");
    }
}

fn assert_nothing_left(what: &str, ended: &Ended) {
    let left = leftovers();
    assert!(left.is_empty(), "{what}: {left}{}", ended.errors);
}

pub fn set_up_of_a_case() {
    let sound = run(1, None);
    let steps = strings(&sound.case(&config(0))["steps"]);
    assert!(steps.len() > 80, "{steps:#?}");
    each_fails("set-up", &steps, AT_ONCE, |ended, index, step, number| {
        let case = ended.case(&config(index));
        assert_eq!(case["verdict"], "error", "{step}");
        assert_told(case["reason"].as_str().unwrap(), "set-up", number, step);
        assert_eq!(ended.code, 5, "{step}: {}", ended.errors);
    });
}

pub fn tear_down_of_a_case() {
    let sound = run(1, None);
    let steps = strings(&sound.case(&config(0))["tear_down"]);
    assert!(steps.len() > 5, "{steps:#?}");
    // What one case leaves, the next one stumbles over: each has a run of its own.
    each_fails("tear-down", &steps, 1, |ended, _, step, number| {
        let warnings = strings(&ended.record["warnings"]).join("\n");
        assert_told(&warnings, "tear-down", number, step);
        assert!(ended.errors.contains("tear-down step"), "{step}: {}", ended.errors);
        assert_eq!(ended.record["cleanup"]["complete"], true, "{step}: a second try does it");
    });
}

pub fn the_run_itself() {
    let sound = run(1, None);
    let steps = strings(&sound.record["steps"]);
    assert!(steps.len() >= 8, "{steps:#?}");
    for (index, step) in steps.iter().enumerate() {
        let number = index + 1;
        let ended = run(1, Some(&format!("run/set-up/{number}")));
        assert_nothing_left(step, &ended);
        assert_told(&ended.errors, "set-up", number, step);
        assert_eq!(ended.code, 5, "{step}: {}", ended.errors);
    }
    let steps = strings(&sound.record["tear_down"]);
    for (index, step) in steps.iter().enumerate() {
        let number = index + 1;
        let ended = run(1, Some(&format!("run/tear-down/{number}")));
        assert_nothing_left(step, &ended);
        let warnings = strings(&ended.record["warnings"]).join("\n");
        assert_told(&warnings, "tear-down", number, step);
    }
}

/// What was announced in a run is what the dry run promised, line by line.
pub fn dry_run_and_record_agree() {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    let text = "version: 1\nname: audit\nattacker: {workload: sleep}\nvictim: {limits: {memory: 100Mi, nofile: \
                99}}\nconfigs:\n  - {name: a, limits: {pids: 20, cpu: 500m, memory: 64Mi}}\n  - {name: b, limits: \
                {weight: 50}, attacker: {namespaces: {user: host, net: host}}}\n";
    std::fs::write(file.path(), text).unwrap();
    let plan = std::process::Command::new(env!("CARGO_BIN_EXE_contain-test"))
        .args(["run", "--dry-run", "--format", "json"])
        .arg(file.path())
        .output()
        .unwrap();
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let ended = Program::start(text, &[NONE]).finish();
    let run_id = ended.record["run_id"].as_str().unwrap();
    let same = |planned: &Value, recorded: &Value, what: &str| {
        let neutral = |step: String| neutral(&step.replace(run_id, "RUN"));
        let (planned, recorded) = (strings(planned), strings(recorded));
        let [planned, recorded] =
            [planned, recorded].map(|steps| steps.into_iter().map(neutral).collect::<Vec<_>>());
        for (planned, recorded) in planned.iter().zip(&recorded) {
            assert_eq!(planned, recorded, "{what}");
        }
        assert_eq!(planned.len(), recorded.len(), "{what}");
    };
    same(&plan["steps"], &ended.record["steps"], "the run");
    same(&plan["tear_down"], &ended.record["tear_down"], "the run's end");
    for case in plan["scenarios"][0]["cases"].as_array().unwrap() {
        let config = case["config"].as_str().unwrap();
        same(&case["steps"], &ended.case(config)["steps"], config);
        same(&case["tear_down"], &ended.case(config)["tear_down"], config);
    }
}
