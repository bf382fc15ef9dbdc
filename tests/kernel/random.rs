//! Random numbers, which nobody can drain any more.

use crate::serial::shipped_quick;

pub fn shipped() {
    let ended = shipped_quick("random");
    for config in ["open", "open-urandom", "open-random"] {
        let case = ended.case(config);
        let verdict = ended.verdict(config);
        assert!(matches!(verdict, "harmless" | "inconclusive"), "{config}: {}", case["reason"]);
        let attack = &case["attack"];
        assert!(attack["operations"].as_u64() > Some(10_000), "{config}: {attack}");
        assert_eq!((&attack["refusals"], &attack["peak"]), (&serde_json::json!({}), &1.into()));
    }
    assert_eq!(ended.case("open-urandom")["options"]["source"], "urandom");
    let held = ended.case("quota-200m");
    let verdict = ended.verdict("quota-200m");
    assert!(matches!(verdict, "vacuous" | "inconclusive"), "{}", held["reason"]);
    let calls = |config: &str| {
        let attack = &ended.case(config)["attack"];
        attack["operations"].as_u64().expect("operations")
            / attack["starts"].as_u64().expect("starts")
    };
    assert!(calls("quota-200m") < calls("open"), "a fifth of a CPU makes fewer calls");
    assert!(matches!(ended.code, 0 | 4), "{}", ended.errors);
}
