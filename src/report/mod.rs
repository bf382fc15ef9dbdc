//! Views of a record: one file for each. They print nothing themselves and compute nothing that the record does not
//! hold.

mod cells;
mod escape;
mod format;
mod grid;
mod json;
mod junit;
mod markdown;
mod style;
mod summary;
mod table;
mod words;

pub use cells::render_cells;
pub use escape::escaped;
pub use format::{Format, ViewOptions, render};
pub use json::{ReadError, from_json, to_json};
pub use junit::render_junit;
pub use markdown::render_markdown;
pub use style::{Style, Tone};
pub use summary::render_summary;
pub use table::render_table;
