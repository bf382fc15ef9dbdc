//! The judge itself: a probe that really is slower must be found.

use crate::serial::Program;

const SHAM: &str =
    "version: 1\nname: judge\nattacker: {workload: sleep}\nconfigs:\n  - name: open\n";

/// Twice as long is four times the tolerance of this probe.
pub fn double() {
    let program = Program::start(SHAM, &[("CONTAIN_TEST_INJECT_SLOWDOWN", "pids/fork=1.0")]);
    let ended = program.finish();
    let case = ended.case("sham");
    assert_eq!(case["verdict"], "degraded", "{}", case["reason"]);
    let slower = case["cells"]
        .as_array()
        .unwrap()
        .iter()
        .find(|cell| cell["probe"] == "pids/fork")
        .and_then(|cell| cell["lat_imp"]["p50"]["median"].as_f64())
        .unwrap();
    assert!(slower > 0.5, "{slower}");
    // A sham that leaks says that the machine cannot be trusted.
    assert_eq!(ended.code, 4, "{}", ended.errors);
}
