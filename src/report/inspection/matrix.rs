//! What several processes share, as a matrix: processes as rows, kinds of namespace as columns, a letter for each namespace.

use crate::record::Inspection;
use crate::report::escape::shortened;
use crate::scenario::NamespaceKind;

/// Characters of a process's name that are shown.
const NAME: usize = 15;

/// The matrix with a legend below it.
pub(super) fn render(inspection: &Inspection) -> String {
    let mut table: Vec<Vec<String>> = Vec::new();
    let kinds = NamespaceKind::ALL.map(|kind| kind.name().to_owned());
    table.push([vec!["PROCESS".to_owned()], kinds.to_vec(), vec!["cgroups".to_owned()]].concat());
    for process in &inspection.processes {
        let mut row = vec![format!("{} {}", process.pid, shortened(&process.name, NAME))];
        for kind in NamespaceKind::ALL {
            let groups = inspection.shared.namespaces.get(&kind);
            row.push(letter_of(groups.map(Vec::as_slice).unwrap_or_default(), process.pid));
        }
        row.push(letter_of(&inspection.shared.cgroups, process.pid));
        table.push(row);
    }
    format!(
        "{}\nThe same letter in a column: the same namespace, or the same cgroups in all hierarchies. ?: not known.\n",
        laid_out(&table)
    )
}

fn letter_of(groups: &[Vec<u32>], pid: u32) -> String {
    groups.iter().position(|group| group.contains(&pid)).map_or_else(|| "?".to_owned(), letters)
}

/// a to z, then aa, ab and so on.
fn letters(index: usize) -> String {
    let last = char::from(b'a' + u8::try_from(index % 26).unwrap_or(0));
    match index / 26 {
        0 => last.to_string(),
        rest => format!("{}{last}", letters(rest - 1)),
    }
}

/// Columns as wide as their widest cell, two blanks between them.
fn laid_out(table: &[Vec<String>]) -> String {
    let columns = table.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_letters_for_any_number_of_namespaces() {
        assert_eq!(
            [0, 25, 26, 51, 52, 701, 702].map(letters),
            ["a", "z", "aa", "az", "ba", "zz", "aaa"]
        );
        assert_eq!(letter_of(&[vec![1, 2], vec![3]], 3), "b");
        assert_eq!(letter_of(&[], 3), "?");
    }
}
