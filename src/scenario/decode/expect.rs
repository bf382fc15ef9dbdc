//! `expect` and `assert`: what a config claims.

use super::when;
use crate::scenario::diagnostic::{Problems, Spot, did_you_mean, quoted};
use crate::scenario::node::{Entry, Kind, Node};
use crate::scenario::words;
use crate::scenario::written::Located;
use crate::scenario::{
    Assertion, Expectation, ExpectedWord, FactName, FactValue, PROBES, Resource, SERVICE_OPERATION,
    SIGHTS, Target, is_judged,
};

/// Entries of `assert` and of a list in `expect`: more than there are facts and probes to speak of, and few enough to be copied.
pub(in crate::scenario) const MAX_CLAIMS: usize = 64;

/// A word or a list of words on the own resource, or a map from resources and probes to them.
pub(in crate::scenario) fn expect(node: &Node, problems: &mut Problems) -> Vec<Expectation> {
    match &node.kind {
        Kind::Map(entries) => long_form(entries, node.spot, problems),
        Kind::Seq(items) if items.iter().any(|item| matches!(item.kind, Kind::Map(_))) => {
            long_forms(items, node.spot, problems)
        }
        _ => {
            let position = node.spot.position;
            any_of(node, problems)
                .map(|any_of| Expectation { target: Target::Own, any_of, when: None, position })
                .into_iter()
                .collect()
        }
    }
}

/// A list of maps, so that each can have its own condition.
fn long_forms(items: &[Node], spot: Spot, problems: &mut Problems) -> Vec<Expectation> {
    at_most("expect", items, spot, problems)
        .iter()
        .flat_map(|item| match &item.kind {
            Kind::Map(entries) => long_form(entries, item.spot, problems),
            _ => {
                problems
                    .add(item.spot, "a list in `expect` has either verdicts or maps, not both")
                    .help("name the resource here too, such as `pids: contained`");
                Vec::new()
            }
        })
        .collect()
}

/// As many entries of a list as one config may have; every combination of a matrix repeats them.
fn at_most<'n>(key: &str, items: &'n [Node], spot: Spot, problems: &mut Problems) -> &'n [Node] {
    if items.len() > MAX_CLAIMS {
        problems.add(spot, format!("`{key}` has more than {MAX_CLAIMS} entries"));
    }
    items.get(..MAX_CLAIMS).unwrap_or(items)
}

/// A map from resources and probes to verdicts; `when` beside them is the condition of all.
fn long_form(entries: &[Entry], spot: Spot, problems: &mut Problems) -> Vec<Expectation> {
    let condition = entries.iter().find(|entry| entry.key == "when");
    let when = condition.and_then(|entry| when::when(&entry.value, problems));
    if entries.iter().all(|entry| entry.key == "when") {
        problems.add(spot, "`expect` names nothing").help(match condition {
            None => "leave the key out instead",
            Some(_) => "name a resource beside `when`, such as `pids: contained`",
        });
    }
    entries
        .iter()
        .filter(|entry| entry.key != "when")
        .filter_map(|entry| {
            let target = target(&entry.key, entry.key_spot, problems);
            let any_of = any_of(&entry.value, problems);
            let position = entry.key_spot.position;
            Some(Expectation { target: target?, any_of: any_of?, when: when.clone(), position })
        })
        .collect()
}

fn any_of(node: &Node, problems: &mut Problems) -> Option<Vec<ExpectedWord>> {
    let one = std::slice::from_ref(node);
    let items = if let Kind::Seq(items) = &node.kind { items } else { one };
    if items.is_empty() {
        problems
            .add(node.spot, "an empty list can never be met")
            .help("list the verdicts that are fine, or leave the key out");
        return None;
    }
    let legal = ExpectedWord::ALL.map(|word| (word.name(), word));
    let later = ["inconclusive", "skipped", "error"];
    let mut all = Some(Vec::new());
    for item in items {
        match words::word(item, "`expect`", "verdict", &legal, &[], problems) {
            Some(word) => all.iter_mut().for_each(|all: &mut Vec<_>| all.push(word.value)),
            None => {
                if matches!(&item.kind, Kind::Scalar(text) if later.contains(&text.as_str()))
                    && let Some(problem) = problems.last()
                {
                    problem.help("that is no answer, so nothing can expect it");
                }
                all = None;
            }
        }
    }
    all
}

/// A resource, or one of its probes as `resource/probe`.
pub(in crate::scenario) fn target(
    key: &str,
    spot: Spot,
    problems: &mut Problems,
) -> Option<Target> {
    let (name, probe) = match key.split_once('/') {
        Some((name, probe)) => (name, Some(probe)),
        None => (key, None),
    };
    let names: Vec<&str> = Resource::every().map(Resource::name).collect();
    let Some(resource) = Resource::every().find(|resource| resource.name() == name) else {
        words::unknown(problems, spot, "resource", name, &names, &[]);
        return None;
    };
    let of_resource = |known: &&&str| known.split('/').next() == Some(name);
    let probes: Vec<&str> = PROBES.iter().chain(SIGHTS).filter(of_resource).copied().collect();
    if probes.is_empty() && resource != Resource::View {
        problems
            .add(spot, format!("this version has no probe of `{name}` yet"))
            .help(format!("probes: {}", PROBES.join(", ")));
        return None;
    }
    if probe.is_some_and(|probe| probe != SERVICE_OPERATION) && !probes.contains(&key) {
        words::unknown(problems, spot, "probe", key, &[PROBES, SIGHTS].concat(), &[]);
        return None;
    }
    if !is_judged(key) {
        problems.add(spot, format!("`{key}` is shown and never judged")).help(format!(
            "`{name}` is judged by the probes that saturate it; name the resource instead"
        ));
        return None;
    }
    Some(Target::Named(resource, probe.map(str::to_owned)))
}

/// One fact or a list of facts.
pub(in crate::scenario) fn asserts(node: &Node, problems: &mut Problems) -> Vec<Assertion> {
    let one = std::slice::from_ref(node);
    let items = if let Kind::Seq(items) = &node.kind { items } else { one };
    at_most("assert", items, node.spot, problems)
        .iter()
        .filter_map(|item| {
            let line = words::scalar(item, "`assert`", problems)?;
            assertion(&line, problems)
        })
        .collect()
}

const FORMS: &str = "write `FACT == VALUE`, `FACT != VALUE`, `FACT` or `not FACT`";

fn assertion(line: &Located<&str>, problems: &mut Problems) -> Option<Assertion> {
    let parts: Vec<&str> = line.value.split_whitespace().collect();
    let (word, operator, value) = match parts[..] {
        ["not", fact] => (fact, "==", "false"),
        [fact] if !fact.contains(['=', '!', '<', '>']) => (fact, "==", "true"),
        [fact, operator @ ("==" | "!="), value] => (fact, operator, value),
        _ => {
            let operator = ["<=", ">=", "<", ">"].iter().find(|&&o| line.value.contains(o));
            let problem =
                problems.add(line.spot, format!("{} is no assertion", quoted(line.value)));
            match operator {
                Some(operator) => {
                    problem.help(format!("`{operator}` is not supported: {FORMS}"));
                }
                None => problem.help(format!("{FORMS}, with spaces around the operator")),
            }
            return None;
        }
    };
    let fact = fact(word, line.spot, problems)?;
    let value = fact_value(fact, value, parts.len() == 3, line.spot, problems)?;
    let text = parts.join(" ");
    let equals = operator == "==";
    Some(Assertion { fact, equals, value, text, position: line.spot.position })
}

fn fact(word: &str, spot: Spot, problems: &mut Problems) -> Option<FactName> {
    let found = FactName::ALL.into_iter().find(|fact| fact.name() == word);
    if found.is_none() {
        let names = FactName::ALL.map(FactName::name);
        words::unknown(problems, spot, "fact", word, &names, &[]);
    }
    found
}

fn fact_value(
    fact: FactName,
    text: &str,
    compared: bool,
    spot: Spot,
    problems: &mut Problems,
) -> Option<FactValue> {
    let name = fact.name();
    if fact.is_flag() {
        if let Ok(flag) = text.parse() {
            return Some(FactValue::Flag(flag));
        }
        let problem =
            problems.add(spot, format!("`{name}` is true or false, not {}", quoted(text)));
        if let Some(near) = did_you_mean(text, ["true", "false"]) {
            problem.help(format!("did you mean `{near}`?"));
        } else {
            problem.help(format!("write `{name}` or `not {name}`"));
        }
    } else if !compared {
        problems
            .add(spot, format!("`{name}` is a number, so it must be compared"))
            .help(format!("write `{name} == NUMBER` or `{name} != NUMBER`"));
    } else {
        match crate::scenario::units::parse_count(text) {
            Ok(number) => return Some(FactValue::Number(number)),
            Err(error) => {
                let what = format!("`{name}` is a number");
                words::refused(problems, spot, &what, error);
            }
        }
    }
    None
}
