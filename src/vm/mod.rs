//! Throwaway virtual machines: cases on another kernel and another cgroup version, and those that may cost the machine.
//!
//! The same static binary is the whole user space of a QEMU guest (`guest` is the room that runs inside). The host builds an initramfs in memory,
//! listens to what the guest says over a serial port, and puts what it said into the record. The guest is not trusted, shares no file
//! with the host, and dies with the harness.

mod accel;
mod attend;
mod chronicle;
mod console;
mod disks;
mod error;
mod execute;
mod guest_run;
mod initramfs;
pub mod job;
mod kernel;
mod limits;
pub mod link;
mod machines;
mod modules;
mod package;
mod prepare;
mod qemu;
mod results;
mod run;
mod scratch;
mod unready;

pub use error::VmError;
pub use execute::{ExecuteError, Executed, Program, execute};
pub use initramfs::Initramfs;
pub use kernel::Kernel;
pub use limits::Limits;
pub use prepare::Extra;
pub use run::{VmOptions, run, wants_guests};
