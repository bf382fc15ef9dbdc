//! Every attacker there is, open, at full effort, for a long time: the machine outside the node must not notice.

use crate::serial::Program;

/// Each with what it is started with. All sit apart from the victim, on the CPU of the watcher.
const ATTACKERS: [&str; 2] = ["forkbomb", "cpu-burn, threads: 64"];

/// Three seconds in a row, or as many as `CONTAIN_TEST_ATTACK_SECONDS` says (up to 10).
pub fn unnoticed() {
    let seconds = std::env::var("CONTAIN_TEST_ATTACK_SECONDS").unwrap_or_else(|_| "3".to_owned());
    let configs: String = ATTACKERS
        .iter()
        .enumerate()
        .map(|(index, attacker)| {
            format!("  - {{name: \"open{index}\", attacker: {{workload: {attacker}}}}}\n")
        })
        .collect();
    let text = format!(
        "version: 1\nname: long\nplacement: apart\ntrials: {{block: {seconds}s}}\nconfigs:\n{configs}"
    );
    let program = Program::start(&text, &[("CONTAIN_TEST_INJECT_PAIRS", "1,0")]);
    let ended = program.finish();
    for (index, attacker) in ATTACKERS.iter().enumerate() {
        let case = ended.case(&format!("open{index}"));
        let attacked = case["blocks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|block| block["state"] == "on")
            .map(|block| block["end_ms"].as_f64().unwrap() - block["start_ms"].as_f64().unwrap());
        // The last operation of a block is done a little before its end.
        let least: f64 = seconds.parse::<f64>().unwrap() * 980.0;
        assert!(attacked.sum::<f64>() >= least, "{attacker}: {}", case["reason"]);
        let watch = &case["watch"];
        assert_eq!(watch["failures"], serde_json::json!({}), "{attacker}: {watch}");
        assert!(watch["longest_pause_ms"].as_f64() < Some(1000.0), "{attacker}: {watch}");
        assert!(watch["rounds"].as_f64() > Some(least / 200.0), "{attacker}: {watch}");
    }
    assert_eq!(ended.record["cleanup"]["complete"], true);
}
