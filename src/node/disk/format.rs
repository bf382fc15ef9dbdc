//! Making the file system: by mkfs.ext4, or in a throwaway guest, which has no programs but this one, from what the host's mkfs.ext4 made of a file of
//! the same size: its blocks that are not empty.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sys::child::spawn_bound;
use crate::sys::programs::find;

/// Where a guest has its templates.
const TEMPLATES: &str = "/ext4";

/// The size of a block of the file system, whatever its own size is.
const BLOCK: usize = 4096;

/// No block is kept back for root, so that a full disk is full for everybody; the journal is small; one inode for each 16 KiB, so that a small disk
/// runs out of them in a short time; and nothing is left to be initialized later, when somebody measures.
const OPTIONS: [&str; 12] = [
    "-q",
    "-F",
    "-m",
    "0",
    "-b",
    "4096",
    "-i",
    "16384",
    "-J",
    "size=4",
    "-E",
    "lazy_itable_init=0,lazy_journal_init=0,nodiscard",
];

/// The program, where this machine has it.
fn mkfs() -> Option<PathBuf> {
    find("mkfs.ext4")
}

/// The template for a disk of this size, in the folder that guests have.
#[must_use]
pub fn template_of(bytes: u64) -> PathBuf {
    Path::new(TEMPLATES).join(bytes.to_string())
}

/// Whether a file system of this size can be made here.
#[must_use]
pub fn can_format(bytes: u64) -> bool {
    mkfs().is_some() || template_of(bytes).is_file()
}

/// Makes the file system in the image, which is open and blank.
pub(super) fn format(image: &Path, file: &File, bytes: u64) -> io::Result<()> {
    let template = template_of(bytes);
    if template.is_file() {
        return from_template(&fs::read(template)?, file);
    }
    run_mkfs(&image.display().to_string(), file)
}

/// Runs mkfs.ext4 on `path`, which leads to `file`.
fn run_mkfs(path: &str, file: &File) -> io::Result<()> {
    let program = mkfs().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "there is no mkfs.ext4: `apt-get install e2fsprogs`",
        )
    })?;
    let mut command = Command::new(program);
    command.args(OPTIONS).arg(path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = spawn_bound(&mut command, &[file.as_fd()])?;
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_string(&mut said)?;
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("mkfs.ext4 ended with {status}: {}", said.trim())))
}

/// What mkfs.ext4 makes of a blank file of this size: a number and the block of that number, one after the other, without empty ones. `file` is
/// blank and reached by `path`.
///
/// # Errors
/// There is no mkfs.ext4, or it failed.
pub fn write_template(path: &str, file: &mut File, bytes: u64) -> io::Result<Vec<u8>> {
    file.set_len(bytes)?;
    run_mkfs(path, file)?;
    file.seek(SeekFrom::Start(0))?;
    let mut template = Vec::new();
    let mut block = [0; BLOCK];
    for number in 0..bytes / BLOCK as u64 {
        file.read_exact(&mut block)?;
        if block.iter().any(|&byte| byte != 0) {
            template.extend(number.to_le_bytes());
            template.extend(block);
        }
    }
    Ok(template)
}

fn from_template(template: &[u8], file: &File) -> io::Result<()> {
    for entry in template.chunks_exact(BLOCK + size_of::<u64>()) {
        let (number, block) = entry.split_at(size_of::<u64>());
        let number = u64::from_le_bytes(number.try_into().unwrap_or_default());
        file.write_all_at(block, number * BLOCK as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_makes_the_same_file_system() {
        if mkfs().is_none() {
            assert!(
                std::env::var_os("CONTAIN_TEST_MUST_RUN").is_none(),
                "there is no mkfs.ext4 here"
            );
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = folder.path().join(name);
            let mut options = File::options();
            (path.clone(), options.read(true).write(true).create_new(true).open(path).unwrap())
        };
        let bytes = 16 << 20;
        let (path, mut original) = make("original");
        let template = write_template(&path.display().to_string(), &mut original, bytes).unwrap();
        assert!(template.len() < 2 << 20, "{}", template.len());
        let (copied, copy) = make("copy");
        copy.set_len(bytes).unwrap();
        from_template(&template, &copy).unwrap();
        assert!(fs::read(path).unwrap() == fs::read(copied).unwrap());
    }
}
