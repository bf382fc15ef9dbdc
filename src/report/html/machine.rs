//! The machines: facts without which no result is worth much.

use maud::{Markup, html};

use super::ticks::ticks;

use crate::record::{Machine, MachineKind, Report};

/// One block for each machine.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #machines {
            h2 { "Machines" }
            @for machine in &report.machines { (one(machine)) }
        }
    }
}

fn one(machine: &Machine) -> Markup {
    let kind = match machine.kind {
        MachineKind::Host => "the host that the harness ran on",
        MachineKind::Vm => "a throwaway virtual machine",
    };
    let rows: [(&str, String); 10] = [
        ("kind", kind.to_owned()),
        ("kernel", machine.kernel.clone()),
        ("architecture", machine.arch.clone()),
        ("cgroups", machine.cgroup.map_or("none", |mode| mode.name()).to_owned()),
        ("controllers", machine.controllers.join(", ")),
        ("CPUs", machine.cpus.to_string()),
        ("memory", format!("{} MiB", machine.memory_bytes >> 20)),
        ("swap", format!("{} MiB", machine.swap_bytes >> 20)),
        ("pressure stall information", if machine.psi { "on" } else { "off" }.to_owned()),
        (
            "user of the harness",
            match &machine.rootless {
                Some(_) => format!("uid {}, without root", machine.uid),
                None => format!("uid {}", machine.uid),
            },
        ),
    ];
    let missing: Vec<_> = machine.requirements.iter().filter(|it| !it.met).collect();
    html! {
        section .machine {
            h3 { (machine.id) }
            dl .facts {
                @for (name, value) in rows { div { dt { (name) } dd { (value) } } }
            }
            @if !missing.is_empty() {
                h4 { "What it lacks" }
                ul .lacks {
                    @for it in missing {
                        li {
                            code { (it.name) } @if it.required { " (required)" } ": " (it.found)
                            @if !it.remedy.is_empty() { ". Remedy: " (ticks(&it.remedy)) }
                        }
                    }
                }
            }
            details .quiet {
                summary { "Requirements and capabilities" }
                div .body {
                    ul .lacks {
                        @for it in machine.requirements.iter().filter(|it| it.met) {
                            li { code { (it.name) } ": " (it.found) }
                        }
                    }
                    p .note { "Capabilities: " (machine.capabilities.join(", ")) }
                }
            }
        }
    }
}
