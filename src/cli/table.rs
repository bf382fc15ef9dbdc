//! Plain tables for facts: columns parted by space, no lines, the same with and without a terminal.

use comfy_table::{ContentArrangement, Table, presets};

/// Lays rows out below a header. Cells are folded to stay within `width` columns; `None` never folds.
#[must_use]
pub fn render(header: &[&str], rows: &[Vec<String>], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.clone());
    }
    match width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}
