//! The kernel of a guest: which file, and what release it is.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::VmError;
use super::package::{self, Package};
use crate::host;

/// Where distributions keep kernels.
const FOLDER: &str = "/boot";
const NAME: &str = "vmlinuz";

/// The largest kernel image, in bytes.
const LARGEST: u64 = 256 << 20;

/// A kernel that can be booted.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// The file it was found in, as named or found.
    pub file: PathBuf,
    /// Whether that file is a Debian package.
    pub packaged: bool,
    /// The image, a bzImage.
    pub image: Vec<u8>,
    /// Its release, as `uname -r` will print it.
    pub release: String,
}

impl Kernel {
    /// Reads the kernel in this file, or the newest of the host.
    ///
    /// # Errors
    /// No kernel, or one that cannot be used.
    pub fn find(choice: Option<&Path>) -> Result<Self, VmError> {
        let file = match choice {
            Some(path) => path.to_owned(),
            None => newest(Path::new(FOLDER))?,
        };
        let unusable = |reason: String| VmError::Kernel { path: file.clone(), reason };
        let unreadable = |error: std::io::Error| {
            let hint = match error.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    "; remedy: `sudo`, or a copy that this user may read"
                }
                _ => "",
            };
            unusable(format!("{error}{hint}"))
        };
        let mut start = [0; package::MAGIC.len()];
        File::open(&file).and_then(|mut file| file.read_exact(&mut start)).map_err(unreadable)?;
        let packaged = start == package::MAGIC;
        let image = if packaged {
            let package = Package::open(&file, is_kernel).map_err(unreadable)?;
            let path = package.paths().find(|path| is_kernel(path)).ok_or_else(|| {
                unusable(
                    "the package holds no boot/vmlinuz; a meta package names the real one as what it depends on"
                        .to_owned(),
                )
            })?;
            package.read(path).map_err(unreadable)?
        } else {
            let mut image = Vec::new();
            File::open(&file)
                .and_then(|file| file.take(LARGEST).read_to_end(&mut image))
                .map_err(unreadable)?;
            image
        };
        let release = release_of(&image).ok_or_else(|| {
            unusable("it is neither a bzImage for x86 nor a Debian package of one".to_owned())
        })?;
        Ok(Self { file, packaged, image, release })
    }
}

fn is_kernel(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.parent() == Some(Path::new("boot")) && name.starts_with(NAME)
}

/// The newest kernel of a folder, by the version in its name.
fn newest(folder: &Path) -> Result<PathBuf, VmError> {
    let named = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        let release = name.strip_prefix(NAME)?.strip_prefix('-')?;
        Some((host::version(release)?, release.to_owned()))
    };
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter_map(|path| Some((named(&path)?, path)))
        .max()
        .map(|(_, path)| path)
        .ok_or_else(|| VmError::NoKernel { tried: format!("{}/{NAME}-*", folder.display()) })
}

/// The release in a bzImage: the first word of the text that its header points to (the kernel's
/// Documentation/arch/x86/boot.rst, `kernel_version`); `None` for what is no bzImage.
#[must_use]
pub fn release_of(image: &[u8]) -> Option<String> {
    const SETUP: usize = 0x200;
    if image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let pointer = u16::from_le_bytes([*image.get(0x20e)?, *image.get(0x20f)?]);
    let text = image.get(SETUP + usize::from(pointer)..)?;
    let end = text.iter().take(256).position(|byte| !byte.is_ascii_graphic())?;
    let release = std::str::from_utf8(&text[..end]).ok()?;
    (pointer > 0 && !release.is_empty()).then(|| release.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(release: &str) -> Vec<u8> {
        let mut image = vec![0; 0x400];
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
        let text = format!("{release} (builder@host) #1\0");
        image[0x300..0x300 + text.len()].copy_from_slice(text.as_bytes());
        image
    }

    #[test]
    fn the_release_is_in_the_header() {
        assert_eq!(
            release_of(&image("6.1.0-56-cloud-amd64")).as_deref(),
            Some("6.1.0-56-cloud-amd64")
        );
        assert_eq!(release_of(b"\x7fELF"), None);
        assert_eq!(release_of(&[0; 0x400]), None);
        assert_eq!(release_of(&image("6.1")[..0x301]), None, "cut off");
    }

    #[test]
    fn the_newest_kernel_of_the_host_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let tried = newest(folder.path()).unwrap_err().to_string();
        assert!(tried.contains("--kernel") && tried.contains("vmlinuz-*"), "{tried}");
        for name in ["vmlinuz-6.9.1", "vmlinuz-6.10.0-2-amd64", "vmlinuz-old", "config-6.12.0"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = newest(folder.path()).unwrap();
        assert_eq!(found.file_name().unwrap(), "vmlinuz-6.10.0-2-amd64");
    }

    #[test]
    fn a_file_that_is_no_kernel_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vmlinuz");
        fs::write(&path, "no kernel at all").unwrap();
        let error = Kernel::find(Some(&path)).unwrap_err();
        assert!(error.is_lack() && error.to_string().contains("bzImage"), "{error}");
        fs::write(&path, image("5.4.0")).unwrap();
        let kernel = Kernel::find(Some(&path)).unwrap();
        assert_eq!((kernel.release.as_str(), kernel.packaged), ("5.4.0", false));
        let error = Kernel::find(Some(&folder.path().join("gone"))).unwrap_err().to_string();
        assert!(error.contains("gone") && error.contains("No such file"), "{error}");
    }
}
