//! The house as designed: who may use whom, from inside and from outside, and who may be unsafe.
//!
//! A new arrow is a design decision: docs/architecture.md changes first, then this table.

/// What the design says of one crate.
pub(crate) struct Room {
    /// Name of the crate, and of its folder.
    pub(crate) name: &'static str,
    /// Crates of the workspace that it may use.
    pub(crate) inside: &'static [&'static str],
    /// Crates of others that it may use, beside [`ANYWHERE`].
    pub(crate) outside: &'static [&'static str],
    /// How its root speaks of unsafe code.
    pub(crate) unsafe_code: Unsafe,
}

/// How much unsafe code a crate may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsafe {
    /// `#![forbid(unsafe_code)]`.
    Forbid,
    /// `#![deny(unsafe_code)]`, and at most one module that allows it.
    OneModule,
}

/// Crates of others that carry no power and no opinion: every crate may use them.
pub(crate) const ANYWHERE: &[&str] = &["thiserror"];

/// Crates of others that any crate may use for its tests.
pub(crate) const FOR_TESTS: &[&str] = &[
    "criterion",
    "insta",
    "libc",
    "object",
    "proptest",
    "rusqlite",
    "rustix",
    "serde_json",
    "tempfile",
];

/// The two programs; they share the ground floor and nothing else.
pub(crate) const PROGRAMS: (&str, &str) = ("cli", "supervisor");

/// The only crate that both programs are made of.
pub(crate) const GROUND: &str = "event";

/// Drives both programs from outside: what it uses of the house, it uses to read their results.
pub(crate) const SUITES: &str = "xtests";

/// Every crate of the workspace.
pub(crate) const HOUSE: &[Room] = &[
    Room {
        name: "event",
        inside: &[],
        // Both programs speak of signatures: one makes them, the other holds them against the record.
        // zstd-safe: one packs segments, the other unpacks them (docs/decisions/0014).
        outside: &[
            "base64",
            "blake3",
            "ed25519-dalek",
            // Tables that are asked for each event.
            "foldhash",
            // Numbers in lines.
            "itoa",
            "serde",
            "serde_json",
            "sha2",
            "zerocopy",
            "zstd-safe",
        ],
        unsafe_code: Unsafe::Forbid,
    },
    Room {
        name: "bpf",
        inside: &["event"],
        // object finds the type information in the compiled objects; aya uses it as well.
        outside: &["aya", "libc", "object", "rustix", "zerocopy"],
        // Rings and types that the kernel shares as memory.
        unsafe_code: Unsafe::OneModule,
    },
    Room {
        name: "fsmon",
        inside: &["event"],
        outside: &["fanotify-rs", "libc", "rustix", "zerocopy"],
        unsafe_code: Unsafe::OneModule,
    },
    Room {
        name: "netmon",
        inside: &["event"],
        outside: &["aes", "aes-gcm", "hkdf", "sha2"],
        unsafe_code: Unsafe::Forbid,
    },
    Room {
        name: "rules",
        inside: &["event"],
        // granit-parser is the parser inside serde-saphyr: rules need scalars as they are written,
        // the lines they stand on, and no aliases at all.
        outside: &["aho-corasick", "foldhash", "globset", "granit-parser", "memchr", "regex"],
        unsafe_code: Unsafe::Forbid,
    },
    Room {
        name: "storage",
        inside: &["event"],
        outside: &[
            "blake3",
            "foldhash",
            // A word is looked for in all lines of a run.
            "memchr",
            "rusqlite",
            "rustix",
            "serde",
            "serde_json",
            // The message that a checkpoint's signature is of is a structure like the frames.
            "zerocopy",
            // Bundles, and lines at rest.
            "zstd",
            // Segments are packed.
            "zstd-safe",
        ],
        unsafe_code: Unsafe::Forbid,
    },
    Room {
        name: "export",
        inside: &["event"],
        // Times of events are read back from their lines. aho-corasick finds many secrets at once in what is
        // redacted. parquet writes columns out of pieces of bytes; only with the feature of its name.
        outside: &["aho-corasick", "bytes", "jiff", "parquet", "serde", "serde_json"],
        unsafe_code: Unsafe::Forbid,
    },
    Room {
        name: "supervisor",
        inside: &["event", "bpf", "fsmon"],
        // landlock and seccompiler shut an installed recorder in once it has begun.
        outside: &[
            "blake3",
            "caps",
            // Tables that are asked for each file.
            "foldhash",
            "landlock",
            "libc",
            "mio",
            "nix",
            "rustix",
            "seccompiler",
            "zerocopy",
            // Secrets are written over as soon as they are used.
            "zeroize",
        ],
        unsafe_code: Unsafe::OneModule,
    },
    Room {
        name: "cli",
        inside: &["event", "rules", "netmon", "storage", "export"],
        outside: &[
            "anstream",
            "anstyle",
            "askama",
            "clap",
            "clap_complete",
            "clap_mangen",
            "foldhash",
            "jiff",
            "libc",
            "memchr",
            "ratatui",
            "rustix",
            "serde",
            "serde_json",
            // Settings.
            "toml",
            // The policy of the HTML report allows its style and script by their hashes.
            "sha2",
            // A monitor that is ended from outside gives the terminal back first.
            "signal-hook",
            "unicode-width",
            "zerocopy",
        ],
        unsafe_code: Unsafe::OneModule,
    },
    Room {
        name: "ship",
        inside: &["event", "export"],
        outside: &[
            // Signatures of requests.
            "hmac",
            "jiff",
            "rustix",
            "serde",
            "serde_json",
            "sha2",
            // HTTP, with TLS.
            "ureq",
        ],
        unsafe_code: Unsafe::Forbid,
    },
    Room {
        name: SUITES,
        inside: &["event", "storage"],
        // Tester programs are no tests in cargo's eyes, so what they use is named here.
        // The lines of a run at rest are unpacked by zstd itself.
        outside: &["blake3", "rustix", "serde_json", "tempfile", "zstd"],
        unsafe_code: Unsafe::Forbid,
    },
];
