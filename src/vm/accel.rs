//! How the CPUs of a guest are run: by KVM where that works, else by translation.
//!
//! That `/dev/kvm` is there proves nothing: nested in another virtual machine it may be a door that opens to nowhere. So it is tried:
//! a machine of 16 MiB whose firmware is nine bytes says a number through a port and is over, in a fraction of a second. A kernel may fail
//! where nine bytes do not: a guest that does not come up by KVM is started once more without.

use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::qemu::{PROGRAM, cpu_model, fd_path};
use super::scratch::in_memory;
use crate::record::Accelerator;
use crate::sys::child::spawn_bound;

const DEVICE: &str = "/dev/kvm";

/// A guest that works says its number after some 100 ms.
const LIMIT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(10);

/// What the guest says, and the exit code that QEMU makes of it (hw/misc/debugexit.c).
const WORD: u8 = 0x31;
const EXIT_CODE: i32 = (WORD as i32) << 1 | 1;

/// Firmware of 64 KiB: at the reset vector, 16 bytes before its end, `mov dx,0xf4; mov al,WORD; out dx,al; hlt; jmp $-1`.
fn firmware() -> Vec<u8> {
    let code = [0xba, 0xf4, 0x00, 0xb0, WORD, 0xee, 0xf4, 0xeb, 0xfd];
    let mut image = vec![0; 1 << 16];
    let at = image.len() - 16;
    image[at..at + code.len()].copy_from_slice(&code);
    image
}

/// Tries KVM.
///
/// # Errors
/// Why it cannot be used, in a sentence without a full stop.
pub fn try_kvm() -> Result<(), String> {
    if !Path::new(DEVICE).exists() {
        return Err(format!("there is no {DEVICE}"));
    }
    if let Err(error) = std::fs::OpenOptions::new().read(true).write(true).open(DEVICE) {
        return Err(format!("{DEVICE} cannot be opened: {error}"));
    }
    run_probe(Accelerator::Kvm)
}

fn run_probe(accelerator: Accelerator) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("the trial could not be made: {error}");
    let image = in_memory(c"contain-test-firmware", &firmware()).map_err(failed)?;
    let errors = in_memory(c"contain-test-errors", &[]).map_err(failed)?;
    let mut command = Command::new(PROGRAM);
    command
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "16"])
        .args(["-accel", accelerator.name(), "-cpu", cpu_model(accelerator)])
        .args(["-bios", &fd_path(&image)])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.try_clone().map_err(failed)?);
    let mut child = spawn_bound(&mut command, &[image.as_fd()]).map_err(failed)?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break Some(status),
            None if begun.elapsed() > LIMIT => break None,
            None => std::thread::sleep(PAUSE),
        }
    };
    let Some(status) = status else {
        let _ = child.kill();
        let _ = child.wait();
        let said = super::qemu::said(&errors);
        return Err(format!(
            "a guest of nine bytes did not end within {} s{said}",
            LIMIT.as_secs()
        ));
    };
    match status.code() {
        Some(EXIT_CODE) => Ok(()),
        _ => Err(format!(
            "a guest of nine bytes did not run ({status}){}",
            super::qemu::said(&errors)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_firmware_is_at_the_reset_vector() {
        let image = firmware();
        assert_eq!(image.len(), 65_536);
        assert_eq!(image[0xfff0], 0xba, "F000:FFF0");
        assert_eq!(EXIT_CODE, 99);
    }

    #[test]
    fn the_trial_works_where_translation_does() {
        // Without QEMU there is nothing to try.
        if Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).status().is_err() {
            return;
        }
        assert_eq!(run_probe(Accelerator::Tcg), Ok(()));
    }
}
