//! A comparison as GitHub Markdown, for comments on changes.

use super::lines::{effect, lines, sign, summary};
use super::table::{name, rows};
use crate::record::Comparison;
use crate::report::markdown::inline;
use crate::report::words::NOTHING;

/// Summary, records, what changed, and a table with a column for each record.
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
    let changed = lines(it);
    if !changed.is_empty() {
        text.push('\n');
    }
    for line in changed {
        text.push_str(&format!("- **{}**: {}\n", line.change.name(), inline(&line.text)));
    }
    let rows = rows(it);
    if !rows.is_empty() {
        text.push_str("\n|  | OLD |");
        for index in 1..it.records.len() {
            text.push_str(&format!(" {} |", name(index, it.records.len())));
        }
        text.push_str(&format!("\n|{}\n", "---|".repeat(it.records.len() + 1)));
    }
    for row in rows {
        text.push_str(&format!(
            "| {} | {} |",
            inline(&row.name),
            inline(row.old.as_deref().unwrap_or(NOTHING))
        ));
        for later in row.later {
            let words = later.map_or_else(
                || NOTHING.to_owned(),
                |it| {
                    let words = it.new.as_ref().map_or_else(|| NOTHING.to_owned(), effect);
                    format!("{}<br>{}", inline(&words), sign(it.change))
                },
            );
            text.push_str(&format!(" {words} |"));
        }
        text.push('\n');
    }
    text
}
