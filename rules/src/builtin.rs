//! The rules that come with the program.

macro_rules! builtin {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../builtin/", $name, ".yml")),
            include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".nodes")),
        )
    };
}

/// Name, text and tree (`yaml::packed`) of each file.
pub(crate) const FILES: &[(&str, &str, &[u8])] = &[
    builtin!("credentials"),
    builtin!("persistence"),
    builtin!("execution"),
    builtin!("destruction"),
    builtin!("network"),
    builtin!("evasion"),
];
