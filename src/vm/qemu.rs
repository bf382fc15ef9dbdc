//! QEMU: its command line, and the process that dies with the harness.
//!
//! Everything that it is given is a file without a name, handed over as a descriptor: kernel, initramfs and disks. Nothing of the
//! host is shared with the guest, and nothing is left when either ends.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::VmError;
use super::console::Console;
use super::link::Link;
use super::scratch::in_memory;
use crate::record::Accelerator;
use crate::sys::child::spawn_bound;

/// The program, and the Debian package that has it.
pub const PROGRAM: &str = "qemu-system-x86_64";
const PACKAGE: &str = "qemu-system-x86";

/// After its last word a guest powers off within this time.
const POWER_OFF_LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// Parameters of every guest's kernel: messages to the first serial port, only what is an error; a panic ends QEMU at once.
const PARAMETERS: &str = "console=ttyS0 quiet loglevel=4 panic=-1";

/// What a guest is made of.
#[derive(Debug)]
pub struct Hardware {
    /// How its CPUs are run.
    pub accelerator: Accelerator,
    /// How many.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// The kernel's image.
    pub kernel: File,
    /// The file system.
    pub initramfs: File,
    /// More parameters for the kernel.
    pub append: Option<String>,
    /// Disks, in the order in which the guest numbers them.
    pub disks: Vec<File>,
}

impl Hardware {
    /// The kernel's parameters.
    #[must_use]
    pub fn parameters(&self) -> String {
        match &self.append {
            None => PARAMETERS.to_owned(),
            Some(more) => format!("{PARAMETERS} {more}"),
        }
    }

    fn arguments(&self, console: &UnixStream, link: &UnixStream) -> Vec<String> {
        let mut list: Vec<String> =
            ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
                .map(str::to_owned)
                .to_vec();
        let mut option = |name: &str, value: String| list.extend([name.to_owned(), value]);
        // A guest that has broken out of QEMU finds itself without the right to start or become anything.
        let confined = "on,obsolete=deny,elevateprivileges=deny,spawn=deny";
        option("-sandbox", confined.to_owned());
        option("-accel", self.accelerator.name().to_owned());
        option("-cpu", cpu_model(self.accelerator).to_owned());
        option("-smp", self.cpus.to_string());
        option("-m", format!("{}M", self.memory_bytes >> 20));
        option("-kernel", fd_path(&self.kernel));
        option("-initrd", fd_path(&self.initramfs));
        option("-append", self.parameters());
        for (name, stream) in [("console", console), ("link", link)] {
            option("-chardev", format!("socket,id={name},fd={}", stream.as_raw_fd()));
            option("-serial", format!("chardev:{name}"));
        }
        for disk in &self.disks {
            let file = fd_path(disk);
            option(
                "-drive",
                format!("file={file},format=raw,if=virtio,cache=unsafe,file.locking=off"),
            );
        }
        list
    }
}

/// The CPU of a guest: the host's own, or all that can be translated.
pub const fn cpu_model(accelerator: Accelerator) -> &'static str {
    match accelerator {
        Accelerator::Kvm => "host",
        Accelerator::Tcg => "max",
    }
}

/// How a descriptor that a child inherits is named as a file.
pub fn fd_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// What was written into a file of errors, printable, for the end of a sentence.
pub fn said(errors: &File) -> String {
    let mut text = vec![0; 2000];
    let count = errors.read_at(&mut text, 0).unwrap_or(0);
    text.truncate(count);
    let words: String = String::from_utf8_lossy(&text)
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() { String::new() } else { format!("; it said: {words}") }
}

/// The version of the emulator, in its own words.
///
/// # Errors
/// It is not installed, or this is another architecture.
pub fn version() -> Result<String, VmError> {
    if std::env::consts::ARCH != "x86_64" {
        return Err(VmError::Architecture(std::env::consts::ARCH.to_owned()));
    }
    let lacking = VmError::NoEmulator { program: PROGRAM, package: PACKAGE };
    let output = Command::new(PROGRAM).arg("--version").stdin(Stdio::null()).output();
    let output = match output {
        Ok(output) if output.status.success() => output,
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(VmError::host::<std::io::Error>(format!("run {PROGRAM}"))(error));
        }
        _ => return Err(lacking),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// A running guest. Dropping it ends it.
#[derive(Debug)]
pub struct Qemu {
    child: Child,
    errors: File,
    /// What it says.
    pub link: Link,
    /// Its console.
    pub console: Console,
    /// When it was started.
    pub begun: Instant,
}

impl Qemu {
    /// Starts a guest.
    ///
    /// # Errors
    /// What failed on the host.
    pub fn start(hardware: &Hardware) -> Result<Self, VmError> {
        let pair = || UnixStream::pair().map_err(VmError::host("make a guest's serial port"));
        let (console, consoles) = pair()?;
        let (link, links) = pair()?;
        let errors = in_memory(c"contain-test-errors", &[])
            .map_err(VmError::host("make a file for what QEMU says"))?;
        let mut command = Command::new(PROGRAM);
        command
            .args(hardware.arguments(&consoles, &links))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors.try_clone().map_err(VmError::host("share a descriptor"))?);
        let files = [&hardware.kernel, &hardware.initramfs].into_iter().chain(&hardware.disks);
        let mut keep: Vec<BorrowedFd<'_>> = files.map(AsFd::as_fd).collect();
        keep.extend([consoles.as_fd(), links.as_fd()]);
        let begun = Instant::now();
        let child = spawn_bound(&mut command, &keep)
            .map_err(VmError::host::<std::io::Error>(format!("start {PROGRAM}")))?;
        let ready = VmError::host::<std::io::Error>;
        Ok(Self {
            child,
            errors,
            link: Link::new(link).map_err(ready("prepare a guest's serial port"))?,
            console: Console::new(console).map_err(ready("prepare a guest's console"))?,
            begun,
        })
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Lets it power off by itself, and ends it where it does not.
    pub fn power_off(&mut self) {
        let begun = Instant::now();
        while self.ended().is_none() && begun.elapsed() < POWER_OFF_LIMIT {
            self.console.read();
            std::thread::sleep(PAUSE);
        }
        self.kill();
    }

    /// Ends it now.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// How an ended QEMU ended, in words.
    #[must_use]
    pub fn describe(&self, status: ExitStatus) -> String {
        let how = match (status.signal(), status.code()) {
            (Some(signal), _) => format!("QEMU was killed by signal {signal}"),
            (None, Some(0)) => "the guest powered off or restarted".to_owned(),
            (None, code) => format!("QEMU ended with {}", code.unwrap_or(-1)),
        };
        how + &said(&self.errors)
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_host_is_named_but_descriptors() {
        let file = || in_memory(c"test", b"x").unwrap();
        let hardware = Hardware {
            accelerator: Accelerator::Tcg,
            cpus: 2,
            memory_bytes: 1 << 30,
            kernel: file(),
            initramfs: file(),
            append: Some("psi=1".to_owned()),
            disks: vec![file()],
        };
        let (one, two) = UnixStream::pair().unwrap();
        let arguments = hardware.arguments(&one, &two);
        let of = |name: &str| {
            let at = arguments.iter().position(|it| it == name).unwrap();
            arguments[at + 1].as_str()
        };
        assert_eq!((of("-m"), of("-smp"), of("-accel")), ("1024M", "2", "tcg"));
        assert!(of("-append").ends_with(" psi=1") && of("-append").contains("panic=-1"));
        for argument in &arguments {
            let outside = argument.contains('/') && !argument.contains("/proc/self/fd/");
            assert!(!outside, "{argument}");
        }
        assert!(!arguments.iter().any(|it| it.contains("net") || it.contains("virtfs")));
    }

    #[test]
    fn what_qemu_says_ends_a_sentence() {
        let errors = in_memory(c"test", b"qemu: one\r\n\x1b[31mtwo\n").unwrap();
        assert_eq!(said(&errors), "; it said: qemu: one [31mtwo");
        assert_eq!(said(&in_memory(c"test", b"").unwrap()), "");
    }
}
