//! Where settings are read: two files whose word counts, and one that may only add.

use std::{io::Write, path::Path, sync::OnceLock};

use super::{
    SYSTEM,
    file::{self, Project, Setting},
};
use crate::{failure::Failure, text::Safe};

/// The project's file, in the directory where `audit` is called.
pub(crate) const PROJECT: &str = ".audit.toml";

/// Reads the machine's settings, then the user's: the later count.
pub(super) fn all() -> Result<Vec<Setting>, Failure> {
    let mut all = of(Path::new(SYSTEM))?;
    if let Some(user) = super::user_file() {
        all.extend(of(&user)?);
    }
    Ok(all)
}

fn of(path: &Path) -> Result<Vec<Setting>, Failure> {
    match file::read(path)? {
        Some(text) => file::settings(&path.display().to_string(), &text),
        None => Ok(Vec::new()),
    }
}

/// What the project asks for. What it wrote must not keep its runs from being recorded: a broken file
/// is said once and asks for nothing.
pub(crate) fn project() -> Project {
    static READ: OnceLock<Project> = OnceLock::new();
    let read = || match file::read(Path::new(PROJECT)) {
        Ok(Some(text)) => file::project(PROJECT, &text),
        Ok(None) => Ok(Project::default()),
        Err(failure) => Err(failure),
    };
    READ.get_or_init(|| {
        read().unwrap_or_else(|failure| {
            // Nobody is left to hear that standard error is closed.
            let _ = writeln!(
                anstream::stderr(),
                "audit: the project's settings are not used: {}",
                Safe::new(failure.message()).plain()
            );
            Project::default()
        })
    })
    .clone()
}
