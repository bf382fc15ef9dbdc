//! Views of a record: one file or folder for each. They print nothing themselves and compute nothing that the record does not
//! hold.

mod advice;
mod bar;
mod cells;
mod chart;
mod clock;
mod comparison;
mod csv;
mod escape;
mod findings;
mod format;
mod github;
mod grid;
mod html;
mod json;
mod jsonl;
mod junit;
mod markdown;
mod names;
mod prometheus;
mod repeat;
mod sarif;
mod style;
mod summary;
mod table;
mod unmet;
mod words;
mod worst;
mod wrap;

pub use advice::{Advice, Basis, advice};
pub use cells::render_cells;
pub use comparison::{comparison_json, comparison_markdown, comparison_table};
pub use csv::render_csv;
pub use escape::escaped;
pub use format::{Format, ViewOptions, render};
pub use github::{STEP_SUMMARY_BYTES, render_github, render_step_summary};
pub use html::render_html;
pub use json::{ReadError, from_json, to_json};
pub use jsonl::render_jsonl;
pub use junit::render_junit;
pub use markdown::render_markdown;
pub use prometheus::render_prometheus;
pub use sarif::render_sarif;
pub use style::{Style, Tone};
pub use summary::render_summary;
pub use table::render_table;
