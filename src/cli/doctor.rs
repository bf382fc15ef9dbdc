//! `doctor`: what this machine is, what it can do, and what is missing.

use std::fmt::Write as _;

use super::args::{FactsArgs, FactsFormat};
use super::terminal::Terminal;
use super::{CommandError, exit_code, table};
use crate::host::{self, Roots};
use crate::record::{Machine, Requirement};

/// Looks at the machine and prints it. 0 when scenarios can run, 3 when something required is missing.
///
/// # Errors
/// [`CommandError`] when stdout cannot be written.
pub fn run(args: &FactsArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let machine = host::machine(&Roots::default());
    let text = match args.format {
        FactsFormat::Table => view(&machine, terminal.stdout_tty.then(|| terminal.width())),
        FactsFormat::Json => super::to_json(&machine)?,
    };
    terminal.result(&text)?;
    Ok(if machine.missing().is_empty() { exit_code::OK } else { exit_code::CANNOT_RUN })
}

fn view(machine: &Machine, width: Option<u16>) -> String {
    let mut text = facts(machine);
    let rows: Vec<Vec<String>> = machine.requirements.iter().map(row).collect();
    let header = ["REQUIREMENT", "STATUS", "FOUND"];
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{}", table::render(&header, &rows, width));
    let remedies = remedies(machine);
    if !remedies.is_empty() {
        text.push_str("\nRemedies:\n");
    }
    for (remedy, names) in remedies {
        let _ = writeln!(text, "  {remedy}\n    for {}", names.join(", "));
    }
    let missing = machine.missing().len();
    let _ = match missing {
        0 => writeln!(text, "\nThis machine can run contain-test."),
        1 => writeln!(text, "\nThis machine cannot run contain-test: 1 requirement is missing."),
        _ => writeln!(
            text,
            "\nThis machine cannot run contain-test: {missing} requirements are missing."
        ),
    };
    text
}

/// Each remedy once, with the names of all requirements that it meets.
fn remedies(machine: &Machine) -> Vec<(&str, Vec<String>)> {
    let mut remedies: Vec<(&str, Vec<String>)> = Vec::new();
    for requirement in machine.requirements.iter().filter(|it| !it.met) {
        let optional = if requirement.required { "" } else { " (optional)" };
        let name = format!("{}{optional}", requirement.name);
        match remedies.iter_mut().find(|(remedy, _)| *remedy == requirement.remedy) {
            Some((_, names)) => names.push(name),
            None => remedies.push((&requirement.remedy, vec![name])),
        }
    }
    remedies
}

fn facts(machine: &Machine) -> String {
    let cgroup = machine.cgroup.map_or("none", |mode| mode.name());
    let controllers = match machine.controllers.join(" ") {
        none if none.is_empty() => "no controllers".to_owned(),
        some => some,
    };
    format!(
        "kernel  {} {}\ncgroup  {cgroup}: {controllers}\ncpus    {}\nmemory  {} MiB, swap {} MiB\n",
        machine.kernel,
        machine.arch,
        machine.cpus,
        machine.memory_bytes >> 20,
        machine.swap_bytes >> 20,
    )
}

fn row(requirement: &Requirement) -> Vec<String> {
    let status = match (requirement.met, requirement.required) {
        (true, _) => "ok",
        (false, true) => "missing",
        (false, false) => "absent",
    };
    vec![requirement.name.clone(), status.to_owned(), requirement.found.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let nowhere = Roots { proc: "/nonexistent/proc".into(), sys: "/nonexistent/sys".into() };
        let machine = host::machine(&nowhere);
        assert!(!machine.missing().is_empty());
        let text = view(&machine, None);
        for requirement in machine.missing() {
            let block = text.split_once(&requirement.remedy).unwrap().1;
            let names = block.lines().nth(1).unwrap();
            assert!(names.contains(&requirement.name), "{requirement:?}\nnot in\n{text}");
            assert_eq!(text.matches(&format!("  {}\n", requirement.remedy)).count(), 1, "{text}");
        }
        assert!(text.contains("cannot run"), "{text}");
    }
}
