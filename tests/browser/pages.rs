//! The pages that the browser looks at.

use std::path::Path;

use contain_test::record::Report;
use contain_test::report::{Format, ViewOptions, from_json, render};

use super::gallery::gallery;

/// Files in a folder that goes away.
pub struct Pages {
    /// Holds the folder.
    _folder: tempfile::TempDir,
    /// A record of a real run of one resource.
    pub real: String,
    /// A record of a real run of all seven resources.
    pub seven: String,
    /// Sixteen scenarios with everything that may happen.
    pub gallery: String,
}

impl Pages {
    /// Renders all of them into files.
    pub fn write() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str, report: &Report| page(folder.path(), name, report);
        let (real, seven, gallery) = (
            at("real.html", &shipped("pids-linux-6.18-hybrid.json")),
            at("seven.html", &shipped("seven-linux-6.18-hybrid.json")),
            at("gallery.html", &gallery()),
        );
        Self { _folder: folder, real, seven, gallery }
    }

    /// Each of them.
    pub fn all(&self) -> [&String; 3] {
        [&self.real, &self.seven, &self.gallery]
    }
}

/// A record of the folder `reports`.
fn shipped(name: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports").join(name);
    from_json(&std::fs::read_to_string(&path).expect(name)).expect("a record")
}

fn page(folder: &Path, name: &str, report: &Report) -> String {
    let path = folder.join(name);
    std::fs::write(&path, render(report, Format::Html, &ViewOptions::default())).expect("a file");
    format!("file://{}", path.display())
}
