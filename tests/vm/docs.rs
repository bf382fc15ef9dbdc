//! The commands of the documentation that need a guest, word by word (`tests/docs/guest-commands.txt`).

#[path = "../docs/place.rs"]
mod place;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use contain_test::vm::Kernel;

use crate::guest::kernel;

const COMMANDS: &str = include_str!("../docs/guest-commands.txt");

/// A command that takes longer hangs, and is killed.
const SECONDS: &str = "120";

/// Each of them does its work, with the kernel of the tests for those that name none.
pub fn commands() -> Option<String> {
    let file = Kernel::find(kernel().as_deref()).expect("a kernel").file;
    let file = fs::canonicalize(file).expect("a path");
    let lines: Vec<&str> = COMMANDS.lines().collect();
    assert!(lines.len() > 2, "only {lines:?}");
    for line in lines {
        let folder = place::workplace();
        symlink(&file, folder.path().join("linux-image-of-the-tests.deb")).expect("a link");
        place::run(&with_kernel(line, &file), folder.path(), SECONDS);
    }
    None
}

/// Whoever reads the page has a kernel in /boot; whoever tests it may not.
fn with_kernel(line: &str, kernel: &Path) -> String {
    match line.contains("--kernel") {
        true => line.to_owned(),
        false => format!("{line} --kernel {}", kernel.display()),
    }
}
