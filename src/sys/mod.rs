//! The only unsafe code of the harness: the system calls that no safe wrapper offers.
//!
//! One facility of the kernel a file. Nothing above this room sees a raw pointer or an unowned file descriptor.

#![allow(unsafe_code)]

pub mod capability;
pub mod descriptors;
pub mod loopback;
pub mod pidfd;
pub mod process;
pub mod spawn;
