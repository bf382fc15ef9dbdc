//! The guest's whole file system: an archive in the cpio format `newc` (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst),
//! built in memory.
//!
//! Our own few lines, because the crates for cpio read archives from files, and what is needed is a header and a name.

use std::collections::BTreeSet;

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;

/// Major and minor number of the console (admin-guide/devices.txt).
const CONSOLE: (u32, u32) = (5, 1);

/// An archive being written.
#[derive(Debug, Default)]
pub struct Initramfs {
    bytes: Vec<u8>,
    inodes: u32,
    folders: BTreeSet<String>,
}

impl Initramfs {
    /// An archive with a console, without which init would have no standard streams.
    #[must_use]
    pub fn new() -> Self {
        let mut archive = Self::default();
        archive.folder_of("dev/console");
        archive.entry("dev/console", CHARACTER | 0o600, &[], CONSOLE);
        archive
    }

    /// Adds a file with these permissions, and the folders on the way to it.
    pub fn file(&mut self, path: &str, permissions: u32, contents: &[u8]) {
        self.folder_of(path);
        self.entry(path, REGULAR | permissions, contents, (0, 0));
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.folder_of(path);
        self.entry(path, LINK | 0o777, target.as_bytes(), (0, 0));
    }

    /// The whole archive.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[], (0, 0));
        self.bytes
    }

    fn folder_of(&mut self, path: &str) {
        for (end, _) in path.match_indices('/') {
            let folder = &path[..end];
            if !folder.is_empty() && self.folders.insert(folder.to_owned()) {
                let folder = folder.to_owned();
                self.entry(&folder, DIRECTORY | 0o755, &[], (0, 0));
            }
        }
    }

    fn entry(&mut self, path: &str, mode: u32, contents: &[u8], device: (u32, u32)) {
        let path = path.trim_start_matches('/');
        self.inodes += 1;
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let links = if mode & 0o170_000 == DIRECTORY { 2 } else { 1 };
        let fields = [
            self.inodes,
            mode,
            0,
            0,
            links,
            0,
            length(contents.len()),
            0,
            0,
            device.0,
            device.1,
            length(path.len() + 1),
            0,
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(contents);
        self.pad();
    }

    /// Names and contents end at multiples of four.
    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn archive() -> Vec<u8> {
        let mut archive = Initramfs::new();
        archive.file("/init", 0o755, b"odd");
        archive.file("deep/er/file", 0o644, b"");
        archive.link("bin/sh", "busybox");
        archive.finish()
    }

    #[test]
    fn the_archive_has_the_kernels_form() {
        let bytes = archive();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(&bytes[..6], b"070701");
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(
            text.matches("070701").count(),
            9,
            "two files, a link, a device, four folders and the end"
        );
        assert!(text.contains("TRAILER!!!"));
    }

    #[test]
    fn cpio_reads_it() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new("cpio")
            .args(["--quiet", "-i", "-d", "--no-preserve-owner", "init", "deep/er/file", "bin/sh"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .spawn();
        // Where cpio is not installed, the guests themselves are what reads archives.
        let Ok(mut child) = child else { return };
        child.stdin.take().unwrap().write_all(&archive()).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(std::fs::read(folder.path().join("init")).unwrap(), b"odd");
        let target = std::fs::read_link(folder.path().join("bin/sh")).unwrap();
        assert_eq!(target.to_str(), Some("busybox"));
    }
}
