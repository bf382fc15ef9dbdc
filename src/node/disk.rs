//! The node's disk: a file of a bounded size with an ext4 file system, on a loop device, with a directory for each sandbox. What fills it fills the
//! node's disk and not the machine's, and the device has counters and limits of its own.

mod format;
mod place;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

pub use format::{can_format, template_of, write_template};
pub use place::{image_of, mount_of};

use crate::announce::{Announce, By, Unheard};
use crate::cgroup::Traffic;
use crate::sys::loop_device::LoopDevice;

/// Who makes the changes, in the steps of a run.
const NAME: &str = "node";

/// Something of a dead sandbox may hold the file system for a moment.
const UNMOUNT_LIMIT: Duration = Duration::from_secs(5);
/// The kernel detaches the device a little after its last use.
const DETACH_LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(2);

/// Nothing on it is executed, and no file on it is a device or gives privileges. Times of reading would make writes of reads.
const FLAGS: MsFlags = MsFlags::MS_NOSUID
    .union(MsFlags::MS_NODEV)
    .union(MsFlags::MS_NOEXEC)
    .union(MsFlags::MS_NOATIME);

/// What failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}")]
pub struct DiskError {
    /// What was tried, such as `mount`.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// What a disk is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskPlan {
    /// Its size in bytes.
    pub bytes: u64,
    /// The file that it is kept in.
    pub image: PathBuf,
    /// Where it is mounted on the host.
    pub mount: PathBuf,
    /// The sandboxes, each with the host ID that its directory belongs to.
    pub owners: Vec<(String, u32)>,
}

impl DiskPlan {
    /// The directory of a sandbox on the host.
    #[must_use]
    pub fn directory_of(&self, sandbox: &str) -> PathBuf {
        self.mount.join(sandbox)
    }

    /// The steps of [`Disk::create`], printable.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        let named = |step: String| format!("{NAME}: {step}");
        let directories = self.owners.iter().map(|(name, owner)| self.directory_step(name, *owner));
        self.steps_of_the_device().into_iter().chain(directories).map(named).collect()
    }

    fn steps_of_the_device(&self) -> [String; 5] {
        let (image, mount) = (self.image.display(), self.mount.display());
        [
            format!("create a file of {} bytes at {image}", self.bytes),
            format!("make an ext4 file system in {image}"),
            format!("attach a loop device to {image}"),
            format!("create directory {mount}"),
            format!("mount the loop device at {mount} (nosuid,nodev,noexec,noatime)"),
        ]
    }

    fn directory_step(&self, name: &str, owner: u32) -> String {
        format!("create directory {} for user {owner}", self.directory_of(name).display())
    }

    /// The steps of [`Disk::remove`], printable.
    #[must_use]
    pub fn removal_steps(&self) -> Vec<String> {
        self.steps_back().into_iter().map(|step| format!("{NAME}: {step}")).collect()
    }

    fn steps_back(&self) -> [String; 3] {
        let (image, mount) = (self.image.display(), self.mount.display());
        [format!("unmount {mount}"), format!("remove directory {mount}"), format!("remove {image}")]
    }
}

/// A disk that exists. Dropping it removes it.
#[derive(Debug)]
pub struct Disk {
    /// What it was made from.
    pub plan: DiskPlan,
    /// The number of its loop device.
    pub number: u32,
    /// Its device as the kernel names it in limits, `MAJOR:MINOR`.
    pub device: String,
    /// Whether the device reads and writes its file past the page cache.
    pub direct_io: bool,
    mounted: bool,
    gone: bool,
}

impl Disk {
    /// Makes the file, its file system, the device, the mount and the directories.
    ///
    /// # Errors
    /// What failed; what had been made by then is gone again.
    pub fn create(plan: DiskPlan, to: &mut dyn Announce) -> Result<Self, DiskError> {
        let to = &mut By::new(NAME, to);
        let steps = plan.steps_of_the_device();
        let (image, at) = (plan.image.clone(), plan.mount.clone());
        // Owned from here on: whatever fails below, dropping it removes what is there.
        let mut disk = Self {
            plan,
            number: 0,
            device: String::new(),
            direct_io: false,
            mounted: false,
            gone: false,
        };
        let bytes = disk.plan.bytes;
        let file = done(to, &steps[0], "create", &image, || blank(&image, bytes))?;
        done(to, &steps[1], "make an ext4 file system in", &image, || {
            format::format(&image, &file, bytes)
        })?;
        let device =
            done(to, &steps[2], "attach a loop device to", &image, || LoopDevice::attach(&file))?;
        disk.number = device.number;
        let sysfs = sysfs_of(device.number);
        let read =
            |name: &str| fs::read_to_string(sysfs.join(name)).map(|text| text.trim().to_owned());
        disk.device =
            done(&mut Unheard, &"", "read the numbers of", &device.path(), || read("dev"))?;
        disk.direct_io = read("loop/dio").is_ok_and(|text| text == "1");
        done(to, &steps[3], "create directory", &at, || {
            fs::DirBuilder::new().mode(0o755).create(&at)
        })?;
        done(to, &steps[4], "mount the node's disk at", &at, || {
            Ok(mount(Some(&device.path()), &at, Some("ext4"), FLAGS, None::<&str>)?)
        })?;
        disk.mounted = true;
        for (name, owner) in disk.plan.owners.clone() {
            let path = disk.plan.directory_of(&name);
            let step = disk.plan.directory_step(&name, owner);
            done(to, &step, "create directory", &path, || {
                fs::DirBuilder::new().mode(0o700).create(&path)?;
                chown(&path, Some(owner), Some(owner))
            })?;
        }
        // From here on the mount alone holds the device.
        drop(device);
        Ok(disk)
    }

    /// What the device has read and written so far.
    #[must_use]
    pub fn traffic(&self) -> Option<Traffic> {
        Traffic::of_device(&fs::read_to_string(sysfs_of(self.number).join("stat")).ok()?)
    }

    /// The schedulers that its device may have, the one in use in brackets, as `[none] mq-deadline bfq`.
    #[must_use]
    pub fn schedulers(&self) -> Option<String> {
        let text = fs::read_to_string(sysfs_of(self.number).join("queue/scheduler")).ok()?;
        Some(text.trim().to_owned())
    }

    /// Blocks and inodes that are free.
    #[must_use]
    pub fn free(&self) -> Option<(u64, u64)> {
        let status = nix::sys::statvfs::statvfs(&self.plan.mount).ok()?;
        Some((status.blocks_available(), status.files_available()))
    }

    /// Unmounts and removes it. Safe to call again, and goes on then where it stopped.
    ///
    /// # Errors
    /// What would not go; what comes after it stands on it, and stays too.
    pub fn remove(&mut self, to: &mut dyn Announce) -> Result<(), DiskError> {
        if self.gone {
            return Ok(());
        }
        let to = &mut By::new(NAME, to);
        let steps = self.plan.steps_back();
        let DiskPlan { image, mount, .. } = &self.plan;
        if self.mounted {
            done(to, &steps[0], "unmount", mount, || unmount(mount))?;
            self.mounted = false;
        }
        done(to, &steps[1], "remove directory", mount, || absent(fs::remove_dir(mount)))?;
        done(to, &steps[2], "remove", image, || absent(fs::remove_file(image)))?;
        done(&mut Unheard, &"", "detach the loop device of", image, || {
            wait_until_detached(self.number, image)
        })?;
        self.gone = true;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.remove(&mut Unheard);
    }
}

/// Where the kernel shows a loop device.
fn sysfs_of(number: u32) -> PathBuf {
    PathBuf::from(format!("/sys/block/loop{number}"))
}

/// An empty file with all of its blocks: the machine's own disk cannot run full behind the node's.
fn blank(path: &Path, bytes: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(path)?;
    let length = i64::try_from(bytes).map_err(|_| Errno::EFBIG)?;
    match fallocate(&file, FallocateFlags::empty(), 0, length) {
        // Not every file system can: then its blocks come when they are written.
        Err(Errno::EOPNOTSUPP) => file.set_len(bytes)?,
        result => result?,
    }
    Ok(file)
}

fn unmount(path: &Path) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match umount2(path, MntFlags::empty()) {
            Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => return Ok(()),
            Err(Errno::EBUSY) if begun.elapsed() < UNMOUNT_LIMIT => std::thread::sleep(PAUSE),
            // It disappears from here at once, and for good when the last that holds it has ended.
            Err(Errno::EBUSY) => return Ok(umount2(path, MntFlags::MNT_DETACH)?),
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn wait_until_detached(number: u32, image: &Path) -> io::Result<()> {
    let begun = Instant::now();
    let backing = sysfs_of(number).join("loop/backing_file");
    let image = image.to_string_lossy();
    while fs::read_to_string(&backing).is_ok_and(|text| text.starts_with(&*image)) {
        if begun.elapsed() > DETACH_LIMIT {
            return Err(Errno::EBUSY.into());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn absent(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn done<T>(
    to: &mut dyn Announce,
    step: &dyn std::fmt::Display,
    action: &'static str,
    path: &Path,
    act: impl FnOnce() -> io::Result<T>,
) -> Result<T, DiskError> {
    to.before(step).and_then(|()| act()).map_err(|source| DiskError {
        action,
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_name_what_they_make_and_take_back() {
        let plan = DiskPlan {
            bytes: 64 << 20,
            image: "/r/disk.img".into(),
            mount: "/r/disk".into(),
            owners: vec![("attacker".to_owned(), 7), ("victim".to_owned(), 8)],
        };
        let steps = plan.steps();
        assert_eq!(steps.len(), 7);
        assert_eq!(steps[0], "node: create a file of 67108864 bytes at /r/disk.img");
        assert_eq!(steps[6], "node: create directory /r/disk/victim for user 8");
        assert_eq!(plan.removal_steps().len(), 3);
    }
}
