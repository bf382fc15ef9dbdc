//! A program of others as the victim's service: what its clients feel.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::containers::must_have;
use crate::serial::{Ended, Program, record_of};

/// A web server that needs no files but those it serves, and comes with the static busybox.
const SERVER: &str = "/bin/busybox";

/// The example's run does not take longer.
const LIMIT: Duration = Duration::from_secs(240);

fn beside_a_burner(service: &str) -> Ended {
    record_of(&format!(
        "version: 1\nname: service\ntrials: {{pairs: 4, budget: 5s}}\nattacker: {{workload: cpu-burn}}\nvictim:\n  service: {service}\nconfigs:\n  - name: \
         open\n    expect: {{cpu/service: degraded}}\n  - name: weight-1\n    limits: {{weight: 1}}\n"
    ))
}

fn cell<'a>(case: &'a Value, probe: &str) -> &'a Value {
    let cells = case["cells"].as_array().expect("cells");
    cells
        .iter()
        .find(|cell| cell["probe"] == probe)
        .unwrap_or_else(|| panic!("no {probe}: {cells:?}"))
}

/// Clients of a web server get half of their answers a second when a burner shares its CPU, and nearly all with a weight of 1.
pub fn is_felt() {
    if !Path::new(SERVER).exists() {
        return must_have("busybox-static, which has a web server,");
    }
    let ended = beside_a_burner(
        "{command: [/bin/busybox, httpd, -f, -p, \"8080\", -h, /etc], http: {port: 8080, path: /debian_version}}",
    );
    let open = cell(ended.case("open"), "cpu/service");
    assert_eq!(open["verdict"], "degraded", "{open}");
    assert_eq!(open["failures"], serde_json::json!({}), "{open}");
    let kept = open["isol"]["median"].as_f64().expect("a rate");
    assert!((0.2..0.8).contains(&kept), "{open}");
    let held = cell(ended.case("weight-1"), "cpu/service");
    assert!(held["isol"]["median"].as_f64() > Some(0.85), "{held}");
    assert_eq!(ended.case("open")["service"]["command"][1], "httpd");
}

/// The README's example: clients of nginx wait for stress-ng on their CPU, and hardly when that has little weight.
pub fn example() {
    for program in ["/usr/sbin/nginx", "/usr/bin/stress-ng"] {
        if !Path::new(program).exists() {
            return must_have("nginx-light and stress-ng, which the README's example runs,");
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/nginx-beside-stress-ng.yaml");
    let ended = Program::start_on(&["--quick"], path.as_ref(), &[], LIMIT).finish();
    let kept = |config: &str| {
        let it = cell(ended.case(config), "cpu/service");
        assert_eq!(it["failures"], serde_json::json!({}), "{config}: {it}");
        it["isol"]["median"].as_f64().unwrap_or_else(|| panic!("{config}: {it}"))
    };
    assert_eq!(ended.verdict("open"), "degraded", "{}", ended.case("open")["reason"]);
    assert!(kept("open") < 0.8);
    assert!(kept("weight-1") > 0.8);
    for config in ["weight-1", "quota-50m"] {
        let (verdict, reason) = (ended.verdict(config), &ended.case(config)["reason"]);
        assert!(matches!(verdict, "contained" | "inconclusive"), "{config}: {reason}");
    }
}

/// A service that cannot serve is an error with its reason, not a victim that is always denied.
pub fn must_answer() {
    let ended = beside_a_burner("{command: [sh, -c, exit 3], tcp: 8080}");
    assert_eq!(ended.verdict("open"), "error");
    let reason = ended.case("open")["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("did not answer (ECONNREFUSED)") && reason.contains("status 3"),
        "{reason}"
    );
    assert_eq!(ended.code, 5);
}
