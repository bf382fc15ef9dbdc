//! Everything that a guest needs before it can be started, made once for all of its boots.

use std::fs;
use std::path::{Path, PathBuf};

use super::job::{INIT, Job, MODULES, PATH, Task};
use super::modules::{Module, Modules};
use super::qemu::{self, Hardware};
use super::scratch::in_memory;
use super::{Initramfs, Kernel, VmError, accel, disks};
use crate::record::Accelerator;
use crate::scenario::{Resource, VmSpec};

/// Modules that a disk of the guest needs; virtio's own come along as what these need.
const FOR_DISKS: [&str; 2] = ["virtio_pci", "virtio_blk"];

/// Modules that nodes may be made of, by the resource that is attacked. A kernel without them may still do without.
const FOR_NODES: [(Resource, &[&str]); 2] = [
    (Resource::Disk, &["loop", "ext4"]),
    (Resource::Network, &["veth", "bridge", "sch_tbf", "sch_htb"]),
];

/// What all guests of a run have in common.
#[derive(Debug, Default)]
pub struct Workshop {
    program: Vec<u8>,
    emulator: String,
    kvm: Option<Result<(), String>>,
    kernels: Vec<(Option<PathBuf>, Kernel)>,
}

impl Workshop {
    /// Looks for the emulator and reads the program that guests are to boot into.
    ///
    /// # Errors
    /// No emulator; the program cannot be read.
    pub fn open(program: Option<&Path>) -> Result<Self, VmError> {
        let emulator = qemu::version()?;
        let program = fs::read(program.unwrap_or(Path::new("/proc/self/exe")))
            .map_err(VmError::host("read this program"))?;
        Ok(Self { program, emulator, kvm: None, kernels: Vec::new() })
    }

    /// Why KVM cannot be used; tried once.
    fn kvm(&mut self) -> Result<(), String> {
        self.kvm.get_or_insert_with(accel::try_kvm).clone()
    }

    /// A kernel, read once.
    fn kernel(&mut self, choice: Option<&Path>) -> Result<Kernel, VmError> {
        if let Some((_, known)) = self.kernels.iter().find(|(known, _)| known.as_deref() == choice)
        {
            return Ok(known.clone());
        }
        let kernel = Kernel::find(choice)?;
        self.kernels.push((choice.map(Path::to_owned), kernel.clone()));
        Ok(kernel)
    }

    /// Prepares a guest that will be asked about these resources.
    ///
    /// # Errors
    /// A kernel or module that is missing, a disk that cannot be made.
    pub fn prepare(
        &mut self,
        spec: &VmSpec,
        kernel: Option<&Path>,
        modules: Option<&Path>,
        resources: &[Resource],
    ) -> Result<Prepared, VmError> {
        let kernel = self.kernel(kernel)?;
        let needed = needed(spec);
        let optional = optional(resources);
        let modules = match needed.is_empty() && optional.is_empty() {
            true => Vec::new(),
            false => {
                let all = Modules::of(&kernel, modules)?;
                let mut list = all.closure(&needed)?;
                for name in optional {
                    let more = all.closure(&[name]).unwrap_or_default();
                    list.extend(
                        more.into_iter().filter(|it| !list.contains(it)).collect::<Vec<_>>(),
                    );
                }
                list
            }
        };
        let kvm = self.kvm();
        Ok(Prepared {
            spec: spec.clone(),
            kernel,
            modules,
            emulator: self.emulator.clone(),
            accelerator: if kvm.is_ok() { Accelerator::Kvm } else { Accelerator::Tcg },
            why_emulated: kvm.err(),
            program: self.program.clone(),
        })
    }
}

fn needed(spec: &VmSpec) -> Vec<&'static str> {
    let mut list = Vec::new();
    if spec.swap_bytes > 0 || spec.disk_bytes > 0 {
        list.extend(FOR_DISKS);
    }
    if spec.disk_bytes > 0 {
        list.push("ext4");
    }
    list
}

fn optional(resources: &[Resource]) -> Vec<&'static str> {
    FOR_NODES
        .iter()
        .filter(|(resource, _)| resources.contains(resource))
        .flat_map(|(_, modules)| modules.iter().copied())
        .collect()
}

/// A file that goes into a guest besides the usual ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extra {
    /// A file, with its permissions.
    File(String, u32, Vec<u8>),
    /// A symbolic link, and what it points to.
    Link(String, String),
}

/// A guest that can be started.
#[derive(Debug)]
pub struct Prepared {
    /// What it is to be.
    pub spec: VmSpec,
    /// Its kernel.
    pub kernel: Kernel,
    /// The modules to load.
    pub modules: Vec<Module>,
    /// The emulator, in its own words.
    pub emulator: String,
    /// How its CPUs are run.
    pub accelerator: Accelerator,
    /// Why not by KVM.
    pub why_emulated: Option<String>,
    program: Vec<u8>,
}

impl Prepared {
    /// Takes KVM for one that does not work.
    pub fn give_up_kvm(&mut self, why: String) {
        self.accelerator = Accelerator::Tcg;
        self.why_emulated = Some(why);
    }

    /// The hardware of one boot, which will do this.
    ///
    /// # Errors
    /// A disk or a file in memory that cannot be made.
    pub fn hardware(&self, task: Task, extras: &[Extra]) -> Result<Hardware, VmError> {
        let mut disks = Vec::new();
        let mut letters = ["/dev/vda", "/dev/vdb"].into_iter();
        let mut swap = None;
        if self.spec.swap_bytes > 0 {
            disks.push(disks::swap(self.spec.swap_bytes)?);
            swap = letters.next().map(str::to_owned);
        }
        let mut disk = None;
        if self.spec.disk_bytes > 0 {
            disks.push(disks::ext4(self.spec.disk_bytes)?);
            disk = letters.next().map(str::to_owned);
        }
        let initramfs = self.initramfs(task, (swap, disk), extras)?;
        let action = "keep a file in memory for the guest";
        Ok(Hardware {
            accelerator: self.accelerator,
            cpus: self.spec.cpus,
            memory_bytes: self.spec.memory_bytes,
            kernel: in_memory(c"contain-test-kernel", &self.kernel.image)
                .map_err(VmError::host(action))?,
            initramfs: in_memory(c"contain-test-initramfs", &initramfs)
                .map_err(VmError::host(action))?,
            append: self.spec.append.clone(),
            disks,
        })
    }

    fn initramfs(
        &self,
        task: Task,
        (swap, disk): (Option<String>, Option<String>),
        extras: &[Extra],
    ) -> Result<Vec<u8>, VmError> {
        let mut archive = Initramfs::new();
        archive.file(INIT, 0o755, &self.program);
        let mut modules = Vec::new();
        for (number, module) in self.modules.iter().enumerate() {
            // The order is the list's; the number keeps names apart.
            let path = format!("{MODULES}/{number:02}-{}.ko", module.name);
            archive.file(&path, 0o644, &module.contents);
            modules.push(path);
        }
        for extra in extras {
            match extra {
                Extra::File(path, permissions, contents) => {
                    archive.file(path, *permissions, contents);
                }
                Extra::Link(path, target) => archive.link(path, target),
            }
        }
        let job = Job { cgroup: self.spec.cgroup, modules, swap, disk, task };
        let job = serde_json::to_vec(&job).map_err(|error| {
            VmError::host("write down what the guest is to do")(std::io::Error::from(error))
        })?;
        archive.file(PATH, 0o644, &job);
        Ok(archive.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_needs_modules() {
        let plain = VmSpec::default();
        assert!(needed(&plain).is_empty() && optional(&[Resource::Pids, Resource::Cpu]).is_empty());
        let swap = VmSpec { swap_bytes: 64 << 20, ..VmSpec::default() };
        assert_eq!(needed(&swap), FOR_DISKS);
        let disk = VmSpec { disk_bytes: 64 << 20, ..VmSpec::default() };
        assert_eq!(needed(&disk), ["virtio_pci", "virtio_blk", "ext4"]);
        assert!(optional(&[Resource::Network]).contains(&"veth"));
    }
}
