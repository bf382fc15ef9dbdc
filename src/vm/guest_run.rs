//! The cases of one guest: booted, listened to, booted anew when it is lost with cases left to run.

use super::attend::{Deadlines, Ending, attend};
use super::chronicle::{Chronicle, Matter};
use super::disks;
use super::job::{PartTask, RunTask, Task};
use super::machines::GuestPlan;
use super::prepare::Prepared;
use super::qemu::Qemu;
use super::results::Results;
use super::{VmError, VmOptions, unready};
use crate::engine::{EngineError, Event, Signals};
use crate::host::{self, Roots};
use crate::record::{Accelerator, Guest, GuestHost, Machine, Verdict};

/// A guest and what belongs to it.
pub struct GuestRun<'a, 'r> {
    /// What it is to be.
    pub plan: &'a GuestPlan,
    /// Its place in the list of guests.
    pub index: usize,
    /// What the run was asked for.
    pub options: &'a VmOptions,
    /// The seed of the run.
    pub seed: u64,
    /// Where results go.
    pub results: &'a mut Results<'r>,
    /// The signals.
    pub signals: &'a mut Signals,
}

/// What one boot came to.
enum Turn {
    /// All is done, or nothing more can be.
    Over,
    /// There are cases left, and another boot may run them.
    Again,
}

impl GuestRun<'_, '_> {
    /// Runs all cases of the guest, and puts the machine into the record.
    ///
    /// # Errors
    /// [`EngineError::Signal`]; the cases that did not run are skipped then.
    pub fn run(
        &mut self,
        prepared: Result<Prepared, VmError>,
        emit: &mut dyn FnMut(&Event),
    ) -> Result<(), EngineError> {
        let mut prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                let verdict = if error.is_lack() { Verdict::Skipped } else { Verdict::Error };
                let reason = error.to_string();
                let machine = unready::machine(self.plan, None, &reason);
                self.results.settle(self.index, &machine, (verdict, &reason), emit);
                self.results.machines.push(machine);
                return Ok(());
            }
        };
        let mut machine = unready::machine(self.plan, Some(&prepared), "it was not booted");
        let result = loop {
            match self.boot(&mut prepared, &mut machine, emit) {
                Ok(Turn::Again) if self.results.is_pending(self.index) => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = &result {
            let reason = error.to_string();
            self.results.settle(self.index, &machine, (Verdict::Skipped, &reason), emit);
        }
        self.results.machines.push(machine);
        result
    }

    fn boot(
        &mut self,
        prepared: &mut Prepared,
        machine: &mut Machine,
        emit: &mut dyn FnMut(&Event),
    ) -> Result<Turn, EngineError> {
        emit(&Event::GuestStarted {
            machine: self.plan.id.clone(),
            kernel: prepared.kernel.file.display().to_string(),
            cgroup: self.plan.spec.cgroup,
            accelerator: prepared.accelerator,
        });
        let task = self.task();
        let started = disks::templates(&task)
            .and_then(|templates| prepared.hardware(Task::Run(task), &templates))
            .and_then(|hardware| Ok((Qemu::start(&hardware)?, hardware.parameters())));
        let (mut qemu, parameters) = match started {
            Ok(started) => started,
            Err(error) => {
                let verdict = if error.is_lack() { Verdict::Skipped } else { Verdict::Error };
                let reason = error.to_string();
                self.results.settle(self.index, machine, (verdict, &reason), emit);
                return Ok(Turn::Over);
            }
        };
        let mut chronicle = Chronicle::default();
        let deadlines = self.deadlines(prepared.accelerator);
        let results = &mut *self.results;
        let id = &self.plan.id;
        let place = self.index;
        let ending = attend(&mut qemu, deadlines, self.signals, &mut |said, heard| {
            let was_up = chronicle.is_up();
            match chronicle.take(said, heard) {
                Some(Matter::Event(event)) => pass_on(event, id, emit),
                Some(Matter::Case(scenario, case)) => results.take(place, id, &scenario, *case),
                Some(Matter::Output(_)) | None => {}
            }
            if chronicle.is_up() && !was_up {
                let took_ms = heard.as_secs_f64() * 1e3;
                emit(&Event::GuestReady { machine: id.clone(), took_ms });
            }
        });
        self.describe(machine, prepared, &parameters, &mut chronicle);
        let ending = ending?;
        if let (Ending::NeverUp(how), Accelerator::Kvm) = (&ending, prepared.accelerator) {
            prepared.give_up_kvm(format!("a guest was started by it, and {how}"));
            machine.guest.iter_mut().for_each(|guest| guest.boots = 0);
            return Ok(Turn::Again);
        }
        Ok(self.conclude(ending, &chronicle, &qemu, machine, emit))
    }

    /// What the guest is to do: everything that has no result yet.
    fn task(&self) -> RunTask {
        let parts = self
            .results
            .pending(self.index)
            .into_iter()
            .map(|(scenario, wanted)| PartTask {
                file: scenario.file.clone(),
                text: scenario.text.clone(),
                wanted,
                before: self.results.cases_of(self.index, &scenario.name),
            })
            .collect();
        RunTask {
            machine: self.plan.id.clone(),
            seed: self.seed,
            unsaid: self.options.unsaid.clone(),
            quick: self.options.quick,
            ablate: self.options.ablate,
            parts,
        }
    }

    fn deadlines(&self, accelerator: Accelerator) -> Deadlines {
        let limits = &self.options.limits;
        Deadlines {
            boot: match accelerator {
                Accelerator::Kvm => limits.boot_by_kvm,
                Accelerator::Tcg => limits.boot,
            },
            silence: limits.silence,
            whole: limits.whole(self.results.budgets(self.index)),
        }
    }

    /// What the record says of the machine: what its own harness found, and what only its host knows.
    fn describe(
        &self,
        machine: &mut Machine,
        prepared: &Prepared,
        parameters: &str,
        chronicle: &mut Chronicle,
    ) {
        let before = machine.guest.take();
        if let Some(found) = chronicle.machine.take() {
            *machine = found;
            machine.id.clone_from(&self.plan.id);
        }
        let times = before.as_ref().and_then(|guest| guest.boot).or(chronicle.boot_times());
        let boots = before.as_ref().map_or(0, |guest| guest.boots) + 1;
        let guest = describe(prepared, parameters);
        machine.guest = Some(Guest {
            boots,
            boot: times,
            console: before.map(|guest| guest.console).unwrap_or_default(),
            ..guest
        });
    }

    fn conclude(
        &mut self,
        ending: Ending,
        chronicle: &Chronicle,
        qemu: &Qemu,
        machine: &mut Machine,
        emit: &mut dyn FnMut(&Event),
    ) -> Turn {
        let id = &self.plan.id;
        let (how, is_lost) = match ending {
            Ending::Over { code: 0, left } if chronicle.cleanup.is_some() => {
                self.results.cleaned(id, chronicle.cleanup.as_ref(), &left);
                ("it ended without running it".to_owned(), false)
            }
            // Killed by the kernel, most likely for its memory: then the machine went down as far as anybody in it can tell.
            Ending::Over { code, .. } if code > 128 => {
                (format!("the harness in it was killed by signal {}", code - 128), true)
            }
            Ending::Over { code, .. } => (format!("the harness in it ended with {code}"), false),
            Ending::Failed(reason) => (format!("it could not go on: {reason}"), false),
            Ending::Lost(how) => (how, true),
            Ending::NeverUp(how) => (how, false),
        };
        if !is_lost && !self.results.is_pending(self.index) {
            return Turn::Over;
        }
        let console = qemu.console.last_lines();
        if let Some(guest) = &mut machine.guest {
            guest.console.clone_from(&console);
        }
        emit(&Event::GuestLost { machine: id.clone(), reason: how.clone() });
        let last = console.iter().rev().take(3).rev().cloned().collect::<Vec<_>>().join(" | ");
        let last = match last.is_empty() {
            true => String::new(),
            false => format!("; the last of its console: {last}"),
        };
        if is_lost && let Some((scenario, config)) = &chronicle.running {
            let reason = format!("The guest {id} was lost {}: {how}{last}.", chronicle.moment());
            self.results.lose(self.index, machine, (scenario, config), &reason, emit);
            return Turn::Again;
        }
        if is_lost && chronicle.finished > 0 {
            return Turn::Again;
        }
        let reason = format!("the guest {id} cannot run it: {how}{last}");
        self.results.settle(self.index, machine, (Verdict::Error, &reason), emit);
        Turn::Over
    }
}

/// What only the host of a guest knows.
#[must_use]
pub fn describe(prepared: &Prepared, parameters: &str) -> Guest {
    let host = host::machine(&Roots::default());
    Guest {
        host: GuestHost {
            kernel: host.kernel,
            arch: host.arch,
            cpus: host.cpus,
            memory_bytes: host.memory_bytes,
        },
        emulator: prepared.emulator.clone(),
        accelerator: prepared.accelerator,
        why_emulated: prepared.why_emulated.clone(),
        kernel_file: prepared.kernel.file.display().to_string(),
        parameters: parameters.to_owned(),
        modules: prepared.modules.iter().map(|module| module.name.clone()).collect(),
        disk_bytes: prepared.spec.disk_bytes,
        boots: 0,
        boot: None,
        console: Vec::new(),
    }
}

/// Progress shows as for a run on the host; what speaks of the run as a whole is the host's to say.
fn pass_on(event: Event, id: &str, emit: &mut dyn FnMut(&Event)) {
    match event {
        Event::RunStarted { .. }
        | Event::RunFinished { .. }
        | Event::GuestStarted { .. }
        | Event::GuestReady { .. }
        | Event::GuestLost { .. } => {}
        Event::Warning { message } => {
            emit(&Event::Warning { message: format!("in the guest {id}: {message}") });
        }
        event => emit(&event),
    }
}
