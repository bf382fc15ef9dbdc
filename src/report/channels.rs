//! The classes of files below `/proc` and `/sys`, as a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::escaped;
use crate::record::{ChannelClass, Channels};

/// Counts by class for each config, the files that change and that everybody reads, and what was found of what a neighbour did.
#[must_use]
pub fn channels_table(configs: &[(String, Channels)], verbose: bool) -> String {
    let mut text = format!("{:<16}", "files");
    // Writing to a string cannot fail.
    for (config, _) in configs {
        let _ = write!(text, "{:>12}", escaped(config));
    }
    text.push('\n');
    for class in ChannelClass::ALL {
        let _ = write!(text, "{:<16}", class.name());
        for (_, channels) in configs {
            let _ = write!(text, "{:>12}", channels.counts.get(&class).copied().unwrap_or(0));
        }
        text.push('\n');
    }
    for (config, channels) in configs {
        let _ = writeln!(text, "\n{}: what a neighbour did, and who reads it", escaped(config));
        for canary in &channels.canaries {
            let found = |found: bool| if found { "found" } else { "not found" };
            let _ = writeln!(
                text,
                "  {:<28} {:<18} by the neighbour: {:<10} by the host: {}",
                escaped(&canary.file),
                escaped(&canary.what),
                found(canary.neighbour),
                found(canary.host)
            );
        }
        let _ = writeln!(text, "{}: shared and varying", escaped(config));
        for (place, count, example) in grouped(channels, verbose) {
            let more = if count > 1 {
                format!(" ({count} files, such as {example})")
            } else {
                String::new()
            };
            let _ = writeln!(text, "  {}{}", escaped(&place), escaped(&more));
        }
    }
    text
}

/// Files of a folder together, unless each is to be told.
fn grouped(channels: &Channels, verbose: bool) -> Vec<(String, usize, String)> {
    let varying = channels
        .files
        .iter()
        .filter(|(_, class)| **class == ChannelClass::SharedVarying)
        .map(|(path, _)| path);
    let mut folders: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for path in varying {
        // Below /sys there are hundreds of the same name.
        let deep = path.starts_with("/sys/") && !verbose;
        let place =
            if deep { path.split('/').take(5).collect::<Vec<_>>().join("/") } else { path.clone() };
        folders.entry(place).or_default().push(path);
    }
    folders
        .into_iter()
        .map(|(place, paths)| {
            let place = if paths.len() == 1 { paths[0].clone() } else { place };
            (place, paths.len(), paths[0].clone())
        })
        .collect()
}
