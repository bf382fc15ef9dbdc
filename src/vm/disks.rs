//! The disks of a guest: files without a name, made by the host and gone with the guest.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use super::VmError;
use super::job::RunTask;
use super::prepare::Extra;
use super::qemu::{fd_path, said};
use super::scratch::{in_memory, scratch_file};
use crate::node::{can_format, template_of, write_template};
use crate::scenario::parse;
use crate::sys::child::spawn_bound;

/// The page size of every x86 kernel, in bytes.
const PAGE: u64 = 4096;

/// A sparse file of this size.
fn blank(bytes: u64) -> Result<File, VmError> {
    let made = scratch_file().and_then(|file| {
        file.set_len(bytes)?;
        Ok(file)
    });
    made.map_err(VmError::host(format!("make a disk of {bytes} bytes for the guest")))
}

/// A swap area, as mkswap(8) makes one: the header of `union swap_header` (include/linux/swap.h) in the first page, and nothing else.
///
/// # Errors
/// What failed on the host.
pub fn swap(bytes: u64) -> Result<File, VmError> {
    let file = blank(bytes)?;
    let last_page = u32::try_from(bytes / PAGE - 1).unwrap_or(u32::MAX);
    // After 1024 bytes for a boot loader: the version, the last page, and the number of bad pages.
    let info: Vec<u8> =
        [1, last_page, 0].iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    let written =
        file.write_all_at(&info, 1024).and_then(|()| file.write_all_at(b"SWAPSPACE2", PAGE - 10));
    written
        .map_err(VmError::host::<std::io::Error>("write the header of the guest's swap area"))?;
    Ok(file)
}

/// A disk with an ext4 file system, of which nothing is kept back for root.
///
/// # Errors
/// mkfs.ext4(8) is not installed, or failed.
pub fn ext4(bytes: u64) -> Result<File, VmError> {
    let file = blank(bytes)?;
    let errors =
        in_memory(c"contain-test-errors", &[]).map_err(VmError::host("make a file in memory"))?;
    let program = ["/sbin/mkfs.ext4", "/usr/sbin/mkfs.ext4"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
        .unwrap_or("mkfs.ext4");
    let mut command = Command::new(program);
    command
        .args(["-q", "-F", "-m", "0", &fd_path(&file)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.try_clone().map_err(VmError::host("share a descriptor"))?);
    let status = spawn_bound(&mut command, &[file.as_fd()]).and_then(|mut child| child.wait());
    match status {
        Ok(status) if status.success() => Ok(file),
        Ok(status) => Err(VmError::Disk(format!("{program} failed ({status}){}", said(&errors)))),
        Err(error) => {
            Err(VmError::Disk(format!("{program}: {error}; remedy: `apt-get install e2fsprogs`")))
        }
    }
}

/// What the nodes' disks of these cases are made of in a guest, which has no mkfs.ext4: a template for each size. None where the host has no mkfs.ext4
/// either; then the guest says so.
///
/// # Errors
/// What failed on the host.
pub fn templates(task: &RunTask) -> Result<Vec<Extra>, VmError> {
    let mut sizes: Vec<u64> = task
        .parts
        .iter()
        .filter_map(|part| parse(&part.file, &part.text).ok())
        .flat_map(|scenario| scenario.configs)
        .filter_map(|config| config.node.disk_bytes)
        .filter(|&bytes| can_format(bytes))
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes.into_iter().map(template).collect()
}

fn template(bytes: u64) -> Result<Extra, VmError> {
    let mut file = blank(bytes)?;
    let path = fd_path(&file);
    let template = write_template(&path, &mut file, bytes)
        .map_err(|error| VmError::Disk(format!("a disk for the nodes of a guest: {error}")))?;
    Ok(Extra::File(template_of(bytes).display().to_string(), 0o644, template))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_area_has_the_kernels_header() {
        let file = swap(64 << 20).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 64 << 20);
        let mut page = [0; 4096];
        file.read_exact_at(&mut page, 0).unwrap();
        assert_eq!(&page[4086..], b"SWAPSPACE2");
        assert_eq!(page[1024..1036], [1, 0, 0, 0, 0xff, 0x3f, 0, 0, 0, 0, 0, 0]);
    }
}
