//! `sysctls`: values of the whole kernel while a case runs.

use crate::scenario::diagnostic::{Problems, quoted};
use crate::scenario::node::Node;
use crate::scenario::sysctls::{SUBTREES, Sysctls};
use crate::scenario::words;

/// As many as anybody needs in one experiment.
pub(in crate::scenario) const MOST: usize = 32;

/// Reads a map from names to values.
pub(in crate::scenario) fn sysctls(node: &Node, problems: &mut Problems) -> Sysctls {
    let mut sysctls = Sysctls::default();
    let entries = words::map(node, "`sysctls`", problems).unwrap_or_default();
    if entries.len() > MOST {
        problems.add(node.spot, format!("`sysctls` sets more than {MOST} values"));
    }
    for entry in entries.iter().take(MOST) {
        if Sysctls::path(&entry.key).is_none() {
            problems.add(entry.key_spot, format!("{} is no sysctl", quoted(&entry.key))).help(
                format!(
                    "write a name such as `fs.file-max`; the first part is one of {}",
                    SUBTREES.join(", ")
                ),
            );
            continue;
        }
        let Some(text) = words::scalar(&entry.value, &quoted(&entry.key), problems) else {
            continue;
        };
        if text.value.is_empty() || text.value.len() > 128 || text.value.contains(char::is_control)
        {
            let message = format!("{} takes one line of 1 to 128 bytes", quoted(&entry.key));
            problems.add(text.spot, message);
            continue;
        }
        sysctls.0.insert(entry.key.clone(), text.value.to_owned());
    }
    sysctls
}
