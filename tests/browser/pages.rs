//! The pages that the browser looks at.

use std::path::Path;

use contain_test::record::Report;
use contain_test::report::{Format, ViewOptions, from_json, render};

use super::gallery::gallery;

/// Files in a folder that goes away.
pub struct Pages {
    /// Holds the folder.
    _folder: tempfile::TempDir,
    /// A record of a real run.
    pub real: String,
    /// Sixteen scenarios with everything that may happen.
    pub gallery: String,
}

impl Pages {
    /// Renders both into files.
    pub fn write() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/pids-linux-6.18-hybrid.json");
        let real = from_json(&std::fs::read_to_string(path).expect(path)).expect("a record");
        let (real, gallery) = (
            page(folder.path(), "real.html", &real),
            page(folder.path(), "gallery.html", &gallery()),
        );
        Self { _folder: folder, real, gallery }
    }
}

fn page(folder: &Path, name: &str, report: &Report) -> String {
    let path = folder.join(name);
    std::fs::write(&path, render(report, Format::Html, &ViewOptions::default())).expect("a file");
    format!("file://{}", path.display())
}
