//! `man`: manual pages, made from the same definitions as the help texts.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::{Cli, ManArgs};
use super::terminal::Terminal;
use super::{CommandError, exit_code};

/// Prints the page of the program, or writes a page for each command into a folder, which is made where it is not there.
///
/// # Errors
/// [`CommandError`] when a page or stdout cannot be written.
pub fn run(args: &ManArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let pages = pages();
    match &args.dir {
        None => terminal.result(&pages[0].1)?,
        Some(folder) => {
            write(folder, &pages).map_err(|error| CommandError::Usage {
                message: format!("cannot write the pages to {}: {error}", folder.display()),
                help: "give a folder that this user may write".to_owned(),
            })?;
        }
    }
    Ok(exit_code::OK)
}

fn write(folder: &Path, pages: &[(String, String)]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    pages.iter().try_for_each(|(name, page)| fs::write(folder.join(name), page))
}

/// Names and texts: the program first, then every command.
fn pages() -> Vec<(String, String)> {
    let mut program = Cli::command();
    program.build();
    let mut pages = vec![page(program.clone(), "contain-test")];
    for command in program.get_subcommands().filter(|it| it.get_name() != "help") {
        pages.push(page(command.clone(), &format!("contain-test-{}", command.get_name())));
    }
    pages
}

fn page(command: Command, name: &str) -> (String, String) {
    let mut text = Vec::new();
    // Rendering into memory does not fail.
    let _ = Man::new(command).title(name).render(&mut text);
    (format!("{name}.1"), String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let pages = pages();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[0], "contain-test.1");
        for command in [
            "run", "ablate", "check", "report", "compare", "list", "explain", "schema", "doctor",
            "inspect", "clean",
        ] {
            assert!(names.contains(&format!("contain-test-{command}.1").as_str()), "{command}");
        }
        for (name, page) in &pages {
            assert!(page.contains(".TH") && page.contains("Examples:"), "{name}: {page}");
        }
    }
}
