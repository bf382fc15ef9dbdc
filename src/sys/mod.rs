//! The only unsafe code of the harness: the system calls that no safe wrapper offers.
//!
//! One facility of the kernel a file. Nothing above this room sees a raw pointer or an unowned file descriptor.

#![allow(unsafe_code)]

pub mod capability;
pub mod child;
pub mod descriptors;
pub mod filter;
pub mod loop_device;
pub mod loopback;
pub mod mounts;
pub mod netns;
pub mod pidfd;
pub mod process;
pub mod programs;
pub mod rtnetlink;
pub mod spawn;
pub mod swap;
