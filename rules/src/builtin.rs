//! The rules that come with the program.

/// Name and text of each file.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("credentials", include_str!("../builtin/credentials.yml")),
    ("persistence", include_str!("../builtin/persistence.yml")),
    ("execution", include_str!("../builtin/execution.yml")),
    ("destruction", include_str!("../builtin/destruction.yml")),
    ("network", include_str!("../builtin/network.yml")),
    ("evasion", include_str!("../builtin/evasion.yml")),
];
