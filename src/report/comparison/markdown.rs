//! A comparison as GitHub Markdown, for comments on changes.

use super::lines::{lines, sign, summary};
use super::table::{Row, Seen, case_rows, cell_rows, heads, name};
use crate::record::Comparison;
use crate::report::markdown::inline;
use crate::report::words::NOTHING;

/// Summary, records, what changed, and a table with a column for each record; every cell is folded away.
#[must_use]
pub fn comparison_markdown(it: &Comparison) -> String {
    let mut text = format!("**{}**\n\n", inline(&summary(it)));
    for (index, record) in it.records.iter().enumerate() {
        let name = name(index, it.records.len());
        text.push_str(&format!(
            "- {name}: {}, {} {}\n",
            inline(&record.file),
            inline(&record.tool.name),
            inline(&record.tool.version)
        ));
    }
    for unlike in &it.unlike {
        text.push_str(&format!(
            "- unlike: {} of {} is {}, in OLD {}\n",
            unlike.what,
            inline(&unlike.machine),
            inline(&unlike.new),
            inline(&unlike.old)
        ));
    }
    let changed = lines(it, false);
    if !changed.is_empty() {
        text.push('\n');
    }
    for line in changed {
        text.push_str(&format!("- **{}**: {}\n", line.change.name(), inline(&line.text)));
    }
    text.push_str(&table(it, &case_rows(it)));
    let cells = table(it, &cell_rows(it));
    if !cells.is_empty() {
        text.push_str(&format!("\n<details><summary>Every cell</summary>\n{cells}\n</details>\n"));
    }
    text
}

fn table(it: &Comparison, rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let lines = |text: &str| text.split('\n').map(inline).collect::<Vec<_>>().join("<br>");
    let heads: Vec<String> = heads(it).iter().map(|it| lines(it)).collect();
    let mut text = format!("\n|  | {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len() + 1));
    for row in rows {
        let shown = |seen: &Option<Seen>| match seen {
            None => NOTHING.to_owned(),
            Some(Seen { words, change: None }) => lines(words),
            Some(Seen { words, change: Some(change) }) => {
                format!("{}<br>{}", lines(words), sign(*change))
            }
        };
        let cells: Vec<String> = row.seen.iter().map(shown).collect();
        text.push_str(&format!("| {} | {} |\n", inline(&row.name), cells.join(" | ")));
    }
    text
}
