//! The kernel modules that a guest needs, each after those that it needs itself.
//!
//! A folder of modules says so in `modules.dep`, which depmod(8) writes on installation. A package has none; there the modules say it
//! themselves, in `.modinfo` (`depends=`, written by the kernel's scripts/mod/modpost.c from the same symbols).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::package::Package;
use super::{Kernel, VmError};
use crate::compression;

/// The largest module unpacked, in bytes.
const LARGEST: u64 = 64 << 20;

/// Modules within modules; the kernel's longest chains have about ten.
const DEEPEST: usize = 64;

/// One module, ready to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name, with `_` for `-`.
    pub name: String,
    /// Its contents, decompressed.
    pub contents: Vec<u8>,
}

/// Where the modules of a release are.
#[derive(Debug)]
pub struct Modules {
    place: Place,
    /// By name, with `_` for `-`.
    files: BTreeMap<String, PathBuf>,
    /// From `modules.dep`, where there is one.
    depends: Option<BTreeMap<String, Vec<String>>>,
    builtin: Vec<String>,
    release: String,
}

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Package(Package),
    Nowhere(String),
}

impl Modules {
    /// The modules of a kernel: in the given folder; else in its package, or in `lib/modules/RELEASE` or
    /// `usr/lib/modules/RELEASE` beside the folder of its image; else those of the host.
    ///
    /// # Errors
    /// A folder or package that cannot be read.
    pub fn of(kernel: &Kernel, given: Option<&Path>) -> Result<Self, VmError> {
        let release = &kernel.release;
        let action = format!("read the modules of {release}");
        if kernel.packaged && given.is_none() {
            let package = Package::open(&kernel.file, |_| false).map_err(VmError::host(action))?;
            return Ok(Self::in_package(package, release));
        }
        let tried = folders(kernel, given);
        match tried.iter().find(|folder| folder.is_dir()) {
            Some(folder) => {
                Self::in_folder(folder, release).map_err(VmError::host::<io::Error>(action))
            }
            None => {
                let tried: Vec<String> =
                    tried.iter().map(|folder| folder.display().to_string()).collect();
                Ok(Self::nowhere(release, format!("in none of {}", tried.join(", "))))
            }
        }
    }

    fn nowhere(release: &str, tried: String) -> Self {
        Self {
            place: Place::Nowhere(tried),
            files: BTreeMap::new(),
            depends: None,
            builtin: Vec::new(),
            release: release.to_owned(),
        }
    }

    fn in_package(package: Package, release: &str) -> Self {
        let files = package
            .paths()
            .filter_map(|path| Some((module_name(path)?, path.to_owned())))
            .collect();
        let builtin = package
            .paths()
            .find(|path| path.file_name().is_some_and(|name| name == "modules.builtin"))
            .and_then(|path| package.read(path).ok())
            .map(|text| names(&String::from_utf8_lossy(&text)))
            .unwrap_or_default();
        let release = release.to_owned();
        Self { place: Place::Package(package), files, depends: None, builtin, release }
    }

    fn in_folder(folder: &Path, release: &str) -> io::Result<Self> {
        let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let (files, depends) = match text("modules.dep") {
            Some(text) => {
                let (files, depends) = dependencies(&text);
                (files, Some(depends))
            }
            None => {
                let mut files = BTreeMap::new();
                walk(folder, &mut PathBuf::new(), &mut files, 0)?;
                (files, None)
            }
        };
        Ok(Self {
            place: Place::Folder(folder.to_owned()),
            files,
            depends,
            builtin: text("modules.builtin").map(|text| names(&text)).unwrap_or_default(),
            release: release.to_owned(),
        })
    }

    /// The wanted modules and those that they need, in the order in which they must be loaded. What is built into the
    /// kernel is left out.
    ///
    /// # Errors
    /// A module that is neither there nor built in, or cannot be read.
    pub fn closure(&self, wanted: &[&str]) -> Result<Vec<Module>, VmError> {
        let mut list = Vec::new();
        for name in wanted {
            self.add(&plain(name), &mut list, 0)?;
        }
        Ok(list)
    }

    fn add(&self, name: &str, list: &mut Vec<Module>, depth: usize) -> Result<(), VmError> {
        let is_known = list.iter().any(|module| module.name == name);
        if is_known || self.builtin.iter().any(|builtin| builtin == name) || depth > DEEPEST {
            return Ok(());
        }
        let missing = |found: String| VmError::NoModule {
            module: name.to_owned(),
            release: self.release.clone(),
            found,
        };
        let path = self.files.get(name).ok_or_else(|| {
            missing(match &self.place {
                Place::Folder(folder) => format!("not in {}", folder.display()),
                Place::Package(_) => "not in its package".to_owned(),
                Place::Nowhere(tried) => tried.clone(),
            })
        })?;
        let contents = self
            .read(path)
            .map_err(|error| missing(format!("unreadable ({}): {error}", path.display())))?;
        let depends = match &self.depends {
            Some(depends) => depends.get(name).cloned().unwrap_or_default(),
            None => depends_of(&contents),
        };
        for other in depends {
            self.add(&other, list, depth + 1)?;
        }
        list.push(Module { name: name.to_owned(), contents });
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match &self.place {
            Place::Folder(folder) => compression::whole(File::open(folder.join(path))?, LARGEST),
            Place::Package(package) => compression::whole(&package.read(path)?[..], LARGEST),
            Place::Nowhere(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Where the modules of a kernel may be, in the order in which they are looked for.
fn folders(kernel: &Kernel, given: Option<&Path>) -> Vec<PathBuf> {
    let homes = |root: &Path| {
        ["lib/modules", "usr/lib/modules"].map(|home| root.join(home).join(&kernel.release))
    };
    if let Some(given) = given {
        let mut list = homes(given).to_vec();
        list.push(given.join(&kernel.release));
        list.push(given.to_owned());
        return list;
    }
    let beside = kernel.file.parent().map(|folder| match folder.as_os_str().is_empty() {
        true => PathBuf::from(".."),
        false => folder.join(".."),
    });
    beside.iter().flat_map(|root| homes(root)).chain(homes(Path::new("/"))).collect()
}

/// The names in a list of files such as `modules.builtin`.
fn names(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| module_name(Path::new(line))).collect()
}

type Dependencies = (BTreeMap<String, PathBuf>, BTreeMap<String, Vec<String>>);

/// `modules.dep`: a line for each module, `PATH: PATH…`, with everything that it needs, the nearest first.
fn dependencies(text: &str) -> Dependencies {
    let mut files = BTreeMap::new();
    let mut depends = BTreeMap::new();
    for (path, needs) in text.lines().filter_map(|line| line.split_once(':')) {
        let Some(name) = module_name(Path::new(path)) else { continue };
        files.insert(name.clone(), PathBuf::from(path));
        let needs = needs.split_whitespace().filter_map(|path| module_name(Path::new(path)));
        // What is needed most deeply stands last.
        let mut needs: Vec<String> = needs.collect();
        needs.reverse();
        depends.insert(name, needs);
    }
    (files, depends)
}

fn walk(
    root: &Path,
    below: &mut PathBuf,
    files: &mut BTreeMap<String, PathBuf>,
    depth: usize,
) -> io::Result<()> {
    if depth > DEEPEST {
        return Ok(());
    }
    for entry in fs::read_dir(root.join(&*below))? {
        let entry = entry?;
        below.push(entry.file_name());
        // Links such as `build` lead out of the folder.
        if entry.file_type()?.is_dir() {
            walk(root, below, files, depth + 1)?;
        } else if let Some(name) = module_name(below) {
            files.insert(name, below.clone());
        }
        below.pop();
    }
    Ok(())
}

/// The name of a module by its file; `None` for other files.
fn module_name(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    let (name, end) = file.split_once(".ko")?;
    matches!(end, "" | ".xz" | ".zst" | ".gz").then(|| plain(name))
}

fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// What a module says that it needs: the entry `depends=` of its section `.modinfo`, whose entries end with a zero byte.
fn depends_of(contents: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = contents.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let value = &contents[at + KEY.len()..];
    let end = value.iter().position(|&byte| byte == 0).unwrap_or(0);
    String::from_utf8_lossy(&value[..end])
        .split(',')
        .filter(|name| !name.is_empty())
        .map(plain)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(depends: &str) -> Vec<u8> {
        format!("\u{7f}ELF license=GPL\0depends={depends}\0name=x\0").into_bytes()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let kernel = folder.path().join("kernel/drivers/block");
        fs::create_dir_all(&kernel).unwrap();
        for (name, depends) in
            [("virtio_blk", "virtio-ring,virtio"), ("virtio-ring", "virtio"), ("virtio", "")]
        {
            fs::write(kernel.join(format!("{name}.ko")), module(depends)).unwrap();
        }
        fs::write(folder.path().join("modules.builtin"), "kernel/fs/ext4/ext4.ko\n").unwrap();
        folder
    }

    fn names_of(modules: &[Module]) -> Vec<&str> {
        modules.iter().map(|module| module.name.as_str()).collect()
    }

    #[test]
    fn what_a_module_needs_comes_before_it() {
        let folder = folder();
        let said_by_modules = Modules::in_folder(folder.path(), "6.1").unwrap();
        let list = said_by_modules.closure(&["virtio-blk", "ext4"]).unwrap();
        assert_eq!(names_of(&list), ["virtio", "virtio_ring", "virtio_blk"]);
        let dep = "kernel/drivers/block/virtio_blk.ko: kernel/drivers/block/virtio-ring.ko \
                   kernel/drivers/block/virtio.ko\nkernel/drivers/block/virtio-ring.ko: \
                   kernel/drivers/block/virtio.ko\nkernel/drivers/block/virtio.ko:\n";
        fs::write(folder.path().join("modules.dep"), dep).unwrap();
        let said_by_depmod = Modules::in_folder(folder.path(), "6.1").unwrap();
        assert!(said_by_depmod.depends.is_some());
        assert_eq!(said_by_depmod.closure(&["virtio-blk", "ext4"]).unwrap(), list);
    }

    #[test]
    fn a_module_that_is_nowhere_is_named_with_the_remedy() {
        let folder = folder();
        let modules = Modules::in_folder(folder.path(), "6.1").unwrap();
        let error = modules.closure(&["loop"]).unwrap_err();
        assert!(error.is_lack(), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("`loop` of 6.1") && text.contains("--modules"), "{text}");
        let kernel = Kernel {
            file: "/nowhere/boot/vmlinuz".into(),
            packaged: false,
            image: Vec::new(),
            release: "0.0.0-none".into(),
        };
        let none = Modules::of(&kernel, None).unwrap();
        assert!(none.closure(&[]).unwrap().is_empty(), "who needs none misses none");
        let text = none.closure(&["loop"]).unwrap_err().to_string();
        assert!(text.contains("/nowhere/boot/../usr/lib/modules/0.0.0-none"), "{text}");
    }

    #[test]
    fn compressed_modules_have_the_same_name() {
        for (file, name) in [
            ("a/virtio-net.ko", Some("virtio_net")),
            ("a/ext4.ko.xz", Some("ext4")),
            ("a/ext4.ko.zst", Some("ext4")),
            ("a/ext4.ko.gz", Some("ext4")),
            ("modules.dep", None),
            ("a/x.kobject", None),
        ] {
            assert_eq!(module_name(Path::new(file)).as_deref(), name, "{file}");
        }
    }
}
