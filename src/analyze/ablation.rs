//! Which control stops which leak: the ablated cases of a record beside those that they were made from.

use crate::record::{
    ABLATION_SCHEMA, ABLATION_VERSION, AblatedConfig, AblationReport, Case, Effect, Report,
    SwitchedOff, Turned, Verdict,
};
use crate::scenario::{Control, LeftOn};

/// Compares each ablated case of a record with its config. `left_on` holds what was not switched off, with its scenario.
#[must_use]
pub fn ablation(report: &Report, left_on: &[(String, LeftOn)]) -> AblationReport {
    let mut configs = Vec::new();
    for scenario in &report.scenarios {
        for base in &scenario.cases {
            let of_base = |case: &&Case| {
                let of = case.ablation.as_ref().map(|it| it.of.as_str());
                of == Some(base.config.as_str()) && case.machine == base.machine
            };
            let kept: Vec<LeftOn> = left_on
                .iter()
                .filter(|(name, kept)| *name == scenario.name && kept.config == base.config)
                .map(|(_, kept)| kept.clone())
                .collect();
            let controls: Vec<SwitchedOff> = scenario
                .cases
                .iter()
                .filter(of_base)
                .filter_map(|case| switched_off(base, case))
                .collect();
            if controls.is_empty() && kept.is_empty() {
                continue;
            }
            configs.push(AblatedConfig {
                scenario: scenario.name.clone(),
                config: base.config.clone(),
                machine: base.machine.clone(),
                verdict: base.verdict,
                reason: base.reason.clone(),
                open: open_of(base, &scenario.cases).map(|case| case.verdict),
                controls,
                left_on: kept,
            });
        }
    }
    AblationReport {
        schema: ABLATION_SCHEMA,
        schema_version: ABLATION_VERSION,
        tool: report.tool.clone(),
        run_id: report.run_id.clone(),
        seed: report.seed,
        complete: report.complete,
        configs,
    }
}

/// The open case on the same ground, where the record has it: the same attack and node on the same machine.
fn open_of<'a>(base: &Case, cases: &'a [Case]) -> Option<&'a Case> {
    cases.iter().find(|case| {
        case.control == Some(Control::Open)
            && case.machine == base.machine
            && case.attacker == base.attacker
            && case.kind == base.kind
            && case.node == base.node
            && case.placement == base.placement
    })
}

fn switched_off(base: &Case, case: &Case) -> Option<SwitchedOff> {
    let turned = turned(base, case);
    Some(SwitchedOff {
        ablation: case.ablation.clone()?,
        config: case.config.clone(),
        effect: effect(base.verdict, case.verdict, &turned),
        verdict: case.verdict,
        reason: case.reason.clone(),
        turned,
    })
}

fn turned(base: &Case, case: &Case) -> Vec<Turned> {
    let without = |probe: &str| case.cells.iter().find(|cell| cell.probe == probe)?.verdict;
    base.cells
        .iter()
        .filter_map(|cell| {
            let (with, without) = (cell.verdict?, without(&cell.probe)?);
            // How slow it was may be undecided; that nothing failed is not.
            let unfailing = with == Verdict::Inconclusive
                && without == Verdict::Denied
                && cell.attempts > 0
                && cell.failures.is_empty();
            let is_answer = unfailing || (!is_open_question(with) && !is_open_question(without));
            (is_answer && with != without).then(|| Turned {
                probe: cell.probe.clone(),
                with,
                without,
            })
        })
        .collect()
}

fn effect(with: Verdict, without: Verdict, turned: &[Turned]) -> Effect {
    let pairs: Vec<(Verdict, Verdict)> = turned
        .iter()
        .map(|it| (it.with, it.without))
        .chain((!is_open_question(with) && !is_open_question(without)).then_some((with, without)))
        .collect();
    let any = |is: &dyn Fn(Verdict, Verdict) -> bool| pairs.iter().any(|&(a, b)| is(a, b));
    // A leak that a control stops counts for more than one that it causes: who takes it away must know.
    if any(&|with, without| !with.leaks() && without.leaks()) {
        Effect::Stops
    } else if is_open_question(with) || is_open_question(without) {
        Effect::Unknown
    } else if any(&|with, without| with.leaks() && !without.leaks()) {
        Effect::Causes
    } else if any(&|with, without| with != without) {
        Effect::Changes
    } else {
        Effect::Nothing
    }
}

/// No answer, so nothing can be said of a change.
const fn is_open_question(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Inconclusive | Verdict::Skipped | Verdict::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(with: Verdict, without: Verdict) -> Effect {
        effect(with, without, &[])
    }

    #[test]
    fn a_control_stops_causes_changes_or_does_nothing() {
        assert_eq!(of(Verdict::Contained, Verdict::Denied), Effect::Stops);
        assert_eq!(of(Verdict::Vacuous, Verdict::Degraded), Effect::Stops);
        assert_eq!(of(Verdict::Denied, Verdict::Contained), Effect::Causes);
        assert_eq!(of(Verdict::Denied, Verdict::Degraded), Effect::Changes);
        assert_eq!(of(Verdict::Contained, Verdict::Vacuous), Effect::Changes);
        assert_eq!(of(Verdict::Contained, Verdict::Contained), Effect::Nothing);
        assert_eq!(of(Verdict::Denied, Verdict::Denied), Effect::Nothing);
    }

    #[test]
    fn without_an_answer_nothing_is_said() {
        for open in [Verdict::Inconclusive, Verdict::Skipped, Verdict::Error] {
            assert_eq!(of(Verdict::Contained, open), Effect::Unknown);
            assert_eq!(of(open, Verdict::Contained), Effect::Unknown);
        }
    }

    #[test]
    fn a_cell_alone_shows_what_a_control_stops() {
        let turned = [Turned {
            probe: "pids/fork".into(),
            with: Verdict::Contained,
            without: Verdict::Denied,
        }];
        assert_eq!(effect(Verdict::Inconclusive, Verdict::Inconclusive, &turned), Effect::Stops);
    }
}
