//! What a record says one program did to files, as lines that a test can write down.

use std::path::Path;

use crate::{Event, Recorded};

impl Recorded {
    /// What the processes of this program did to files below `dir`, sorted: `OP NAME xCOUNT`, a
    /// rename `rename OLD -> NEW`, names relative to `dir`. What has no path shows as `?` and why.
    #[must_use]
    pub fn told_of(&self, exe: &Path, dir: &Path) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let own = |event: &&Event| {
            Path::new(event.text("exe")) == exe && !event.op().ends_with("_failed")
        };
        for event in self.of("file", "").filter(own) {
            let short = |field: &str| {
                let path = Path::new(event.text(field));
                path.strip_prefix(dir).ok().map(|path| path.display().to_string())
            };
            let line = match (short("path"), short("path2")) {
                (Some(old), Some(new)) => format!("rename {old} -> {new}"),
                (Some(path), None) => format!("{} {path} x{}", event.op(), event.count()),
                _ if event.text("path").is_empty() => {
                    format!("{} ? {} x{}", event.op(), event.text("path_missing"), event.count())
                }
                _ => continue,
            };
            lines.push(line);
        }
        lines.sort();
        lines
    }
}
