//! `doctor`: what this machine is, what it can do, and what is missing.

use std::fmt::Write as _;

use std::time::Duration;

use serde::Serialize;

use super::args::{DoctorArgs, FactsFormat};
use super::terminal::Terminal;
use super::{CommandError, exit_code, table};
use crate::engine;
use crate::host::{self, CpuNoise, Engine, Facts, Roots};
use crate::record::{Machine, Requirement};

/// How long the noise is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// CPUs that a default node has: noise elsewhere disturbs nobody.
const NODE_CPUS: usize = 2;
/// The tolerance of the cpu probe: with as much taken by others, no share of a CPU can be told.
const NOISY: f64 = 0.10;

/// What is said of a machine besides what every record says of it.
#[derive(Debug, Serialize)]
struct Findings {
    #[serde(flatten)]
    machine: Machine,
    /// Whether this seems to be the inside of a container: its root is an overlay.
    in_container: bool,
    /// Programs of others that start sandboxes, found in `PATH`.
    engines: Vec<Engine>,
    /// What others took of the CPUs while nothing was done; null with `--quick`.
    noise: Option<Vec<CpuNoise>>,
}

/// Looks at the machine and prints it. 0 when scenarios can run, 3 when something required is missing.
///
/// # Errors
/// [`CommandError`] when stdout cannot be written.
pub fn run(args: &DoctorArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let roots = Roots::default();
    let facts = Facts::read(&roots);
    let node: Vec<u32> = facts.cpus.usable.iter().copied().take(NODE_CPUS).collect();
    let mut machine = host::machine(&roots);
    machine.requirements.push(engine::uplink_requirement());
    let findings = Findings {
        machine,
        in_container: facts.in_container,
        engines: host::engines(&std::env::var_os("PATH").unwrap_or_default()),
        noise: (!args.quick).then(|| host::noise(&node, LOOK)),
    };
    let text = match args.format {
        FactsFormat::Table => view(&findings, terminal.stdout_tty.then(|| terminal.width())),
        FactsFormat::Json => super::to_json(&findings)?,
    };
    terminal.result(&text)?;
    Ok(if findings.machine.missing().is_empty() { exit_code::OK } else { exit_code::CANNOT_RUN })
}

fn view(findings: &Findings, width: Option<u16>) -> String {
    let machine = &findings.machine;
    let mut text = facts(machine) + &surroundings(findings);
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
    let rootless = machine.rootless.as_ref().map_or_else(String::new, |rootless| {
        format!("user    {}, without root, in the cgroup {}\n", rootless.uid, rootless.cgroup)
    });
    format!(
        "kernel  {} {}\ncgroup  {cgroup}: {controllers}\ncpus    {}\nmemory  {} MiB, swap {} MiB\n{rootless}",
        machine.kernel,
        machine.arch,
        machine.cpus,
        machine.memory_bytes >> 20,
        machine.swap_bytes >> 20,
    )
}

/// The lines about what is around: other engines, a container, noise.
fn surroundings(findings: &Findings) -> String {
    let names: Vec<&str> = findings.engines.iter().map(|engine| engine.name).collect();
    let engines = if names.is_empty() { "none in PATH".to_owned() } else { names.join(" ") };
    let mut text = format!("engines {engines}\n");
    if findings.in_container {
        text.push_str("inside  a container, it seems: the root is an overlay\n");
    }
    for (index, cpu) in findings.noise.iter().flatten().enumerate() {
        let label = if index == 0 { "noise" } else { "" };
        let noisy = if cpu.taken > NOISY { ": too much for verdicts on speed" } else { "" };
        let _ = writeln!(
            text,
            "{label:<8}cpu {}: others took {:.1} % of {:.1} s, {:.1} ms at most at once{noisy}",
            cpu.cpu,
            cpu.taken * 100.0,
            cpu.looked_ms / 1e3,
            cpu.longest_pause_ms
        );
    }
    text
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

    fn findings(machine: Machine, noise: Vec<CpuNoise>) -> Findings {
        Findings { machine, in_container: true, engines: Vec::new(), noise: Some(noise) }
    }

    #[test]
    fn noise_is_said_by_cpu_and_called_too_much_where_it_is() {
        let cpu = |cpu, taken| CpuNoise {
            cpu,
            looked_ms: 2000.0,
            taken,
            pauses: 3,
            longest_pause_ms: 4.06,
        };
        let machine = host::machine(&Roots::default());
        let text = view(&findings(machine, vec![cpu(0, 0.004), cpu(3, 0.3)]), None);
        assert!(
            text.contains("noise   cpu 0: others took 0.4 % of 2.0 s, 4.1 ms at most at once\n"),
            "{text}"
        );
        assert!(
            text.contains(
                "        cpu 3: others took 30.0 % of 2.0 s, 4.1 ms at most at once: too much"
            ),
            "{text}"
        );
        assert!(text.contains("inside  a container"), "{text}");
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let nowhere = Roots {
            proc: "/nonexistent/proc".into(),
            sys: "/nonexistent/sys".into(),
            etc: "/nonexistent/etc".into(),
        };
        let machine = host::machine(&nowhere);
        assert!(!machine.missing().is_empty());
        let text = view(&findings(machine.clone(), Vec::new()), None);
        for requirement in machine.missing() {
            let block = text.split_once(&requirement.remedy).unwrap().1;
            let names = block.lines().nth(1).unwrap();
            assert!(names.contains(&requirement.name), "{requirement:?}\nnot in\n{text}");
            assert_eq!(text.matches(&format!("  {}\n", requirement.remedy)).count(), 1, "{text}");
        }
        assert!(text.contains("cannot run"), "{text}");
    }
}
