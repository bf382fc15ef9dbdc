//! Guests that never come up, or cannot run what they should.

use std::io::Write;
use std::time::{Duration, Instant};

use contain_test::record::{Report, Verdict};
use contain_test::vm::{Kernel, Limits, VmOptions};

use crate::guest::{QUICK, case, in_guest, kernel, options, run};

/// No case ran, and each says why.
fn assert_none_ran(report: &Report, verdict: Verdict, words: &[&str]) {
    for case in report.scenarios.iter().flat_map(|scenario| &scenario.cases) {
        assert_eq!(case.verdict, verdict, "{}", case.reason);
        for word in words {
            assert!(case.reason.contains(word), "no word of {word}: {}", case.reason);
        }
    }
    assert_eq!(report.machines.len(), 1, "the machine is in the record all the same");
}

pub fn panics_at_boot() -> Option<String> {
    let begun = Instant::now();
    let scenario = in_guest(QUICK, "append: rdinit=/nonexistent");
    let (report, code) = run(scenario, &options(Limits::default()), |_| {});
    assert_none_ran(&report, Verdict::Error, &["its kernel panicked", "root"]);
    assert_eq!(code, 5);
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
    let guest = report.machines[0].guest.as_ref().expect("what its host knows");
    assert!(guest.console.iter().any(|line| line.contains("Kernel panic")), "{:?}", guest.console);
    let open = case(&report, "open");
    assert_eq!(open.expectations[0].met, Some(false), "an error meets nothing");
    None
}

/// An image that is cut off is loaded, and stops while it unpacks itself.
pub fn hangs_at_boot() -> Option<String> {
    let mut image = Kernel::find(kernel().as_deref()).expect("a kernel").image;
    image.truncate(image.len() * 2 / 3);
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&image).expect("an image");
    let limits = Limits { boot: Duration::from_secs(6), ..Limits::default() };
    let options = VmOptions { kernel: Some(file.path().to_owned()), ..options(limits) };
    let begun = Instant::now();
    let (report, code) = run(in_guest(QUICK, ""), &options, |_| {});
    assert_none_ran(&report, Verdict::Error, &["the guest vm-v2 cannot run it"]);
    assert_eq!(code, 5);
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    None
}

pub fn lacks_a_controller() -> Option<String> {
    let scenario = in_guest(QUICK, "append: cgroup_disable=memory");
    let (report, code) = run(scenario, &options(Limits::default()), |_| {});
    assert_none_ran(&report, Verdict::Skipped, &["cgroup.memory"]);
    assert_eq!(code, 3);
    None
}

pub fn lacks_a_port() -> Option<String> {
    let scenario = in_guest(QUICK, "append: 8250.nr_uarts=1");
    let (report, code) = run(scenario, &options(Limits::default()), |_| {});
    assert_none_ran(&report, Verdict::Error, &["cannot open /dev/ttyS1"]);
    assert_eq!(code, 5);
    None
}

pub fn lacks_a_module() -> Option<String> {
    let empty = tempfile::tempdir().expect("a folder");
    let options =
        VmOptions { modules: Some(empty.path().to_owned()), ..options(Limits::default()) };
    let (report, code) = run(in_guest(QUICK, "swap: 64Mi"), &options, |_| {});
    assert_none_ran(&report, Verdict::Skipped, &["virtio_pci", "--modules"]);
    assert_eq!(code, 3);
    None
}
