//! Kernel and cgroup version as axes of one report.

use contain_test::record::{Accelerator, CgroupMode, MachineKind, Verdict};
use contain_test::vm::Limits;

use crate::guest::{QUICK, case, in_guest, kernel, options, run};

pub fn cgroup_versions() -> Option<String> {
    let text = format!("{QUICK}matrix:\n  machine.vm.cgroup: [v1, v2, hybrid]\n")
        .replace("- {name: open, expect: leaks}\n  ", "");
    let scenario = contain_test::scenario::parse("/nonexistent/quick.yaml", &text)
        .unwrap_or_else(|e| panic!("{e}"));
    let (report, code) = run(scenario, &options(Limits::default()), |_| {});
    assert!(matches!(code, 0 | 4), "{code}");
    let ids: Vec<&str> = report.machines.iter().map(|machine| machine.id.as_str()).collect();
    assert_eq!(ids, ["vm-v1", "vm-v2", "vm-hybrid"]);
    let modes = [CgroupMode::V1, CgroupMode::V2, CgroupMode::Hybrid];
    for (machine, mode) in report.machines.iter().zip(modes) {
        assert_eq!((machine.kind, machine.cgroup), (MachineKind::Vm, Some(mode)));
        assert!(machine.requirements.iter().all(|it| it.met || !it.required), "{machine:#?}");
        let guest = machine.guest.as_ref().expect("what its host knows");
        assert_eq!(guest.why_emulated.is_none(), guest.accelerator == Accelerator::Kvm);
        assert_eq!(guest.boots, 1);
        assert_ne!(guest.host.kernel, machine.kernel);
        let boot = guest.boot.expect("boot times");
        let parts = [
            boot.qemu_ms,
            boot.kernel_ms,
            boot.mounts_ms,
            boot.modules_ms,
            boot.doctor_ms,
            boot.set_up_ms,
            boot.calibration_ms,
        ];
        assert!(parts.iter().all(|&part| part >= 0.0), "{boot:?}");
        let sum: f64 = parts.iter().sum();
        assert!((sum - boot.first_block_ms).abs() < boot.first_block_ms / 5.0, "{boot:?}");
    }
    // What was mounted with, and what the files then mean.
    assert!(report.machines[1].cgroup_options.iter().any(|option| option == "nsdelegate"));
    for mode in ["v1", "v2", "hybrid"] {
        let held = case(&report, &format!("held,machine.vm.cgroup={mode}"));
        assert_eq!(held.machine, format!("vm-{mode}"));
        let ceiling = held.ceiling.as_ref().expect("a ceiling");
        assert_eq!((ceiling.peak, ceiling.kept), (Some(64), true), "{ceiling:?}");
        assert!(ceiling.count.is_some_and(|count| count > 0), "{ceiling:?}");
        assert!(
            matches!(held.verdict, Verdict::Contained | Verdict::Inconclusive),
            "{}",
            held.reason
        );
        // Pressure is told by the unified hierarchy alone.
        assert_eq!(held.pressure.is_empty(), mode == "v1", "{mode}: {:?}", held.pressure);
    }
    None
}

pub fn package_swap_and_disk() -> Option<String> {
    let Some(package) = kernel().filter(|path| path.extension().is_some_and(|end| end == "deb"))
    else {
        return Some("CONTAIN_TEST_VM_KERNEL is no Debian package".to_owned());
    };
    let text = "version: 1\nname: swap\nattacker: {workload: forkbomb}\ntrials: {pairs: 2, budget: 1s}\nconfigs:\n  \
                - {name: held, limits: {pids: 64, memory: 64Mi, swap: 8Mi}}\n";
    let scenario = in_guest(text, "swap: 64Mi, disk: 64Mi");
    let (report, code) = run(scenario, &options(Limits::default()), |_| {});
    assert!(matches!(code, 0 | 4), "{code}: {}", case(&report, "held").reason);
    let machine = &report.machines[0];
    assert!(machine.swap_bytes > 60 << 20, "{}", machine.swap_bytes);
    let guest = machine.guest.as_ref().expect("what its host knows");
    assert_eq!(guest.kernel_file, package.display().to_string());
    assert_eq!(guest.disk_bytes, 64 << 20);
    assert!(guest.modules.iter().any(|module| module == "virtio_blk"), "{:?}", guest.modules);
    let swap = case(&report, "held").ceilings.iter().find(|it| it.knob == "memory.swap.max");
    let swap = swap.expect("swap is counted by itself on version 2");
    assert_eq!((swap.limit, swap.kept), (8 << 20, true), "{swap:?}");
    None
}
