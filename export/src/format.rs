//! The one table of formats: help, completion and `docs/export.md` are held to it.

use std::io;

use crate::{Event, Run, csv, ecs, intoto, journal, jsonl, ocsf, otlp, perfetto, syslog};

/// Where a format is written.
pub type Output = Box<dyn io::Write + Send>;

/// Writes the events of runs in one format.
pub trait Writer {
    /// Begins the events of `run`; those of the run before are all there.
    ///
    /// # Errors
    /// Those of the output.
    fn run(&mut self, run: &Run) -> io::Result<()>;

    /// Writes one event; they come in the order of their numbers.
    ///
    /// # Errors
    /// Those of the output.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;

    /// Writes what must come last and flushes the output.
    ///
    /// # Errors
    /// Those of the output.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// How a format comes about.
#[derive(Debug, Clone, Copy)]
pub enum Make {
    /// From events.
    Events(fn(Output) -> Box<dyn Writer>),
    /// Not in this build: how to get it.
    Missing(&'static str),
    /// From the record itself: whoever has the run's directory packs it.
    Record,
}

/// A format.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub says: &'static str,
    /// No text: nothing for a terminal.
    pub binary: bool,
    /// How it comes about.
    pub make: Make,
}

#[cfg(feature = "parquet")]
const PARQUET: Make = Make::Events(crate::parquet::open);
#[cfg(not(feature = "parquet"))]
const PARQUET: Make =
    Make::Missing("packages have it; cargo build --release -p cli --features parquet");

/// Every format, in the order of the documents.
pub const FORMATS: &[Format] = &[
    Format {
        name: "jsonl",
        says: "JSON lines, as the record has them",
        binary: false,
        make: Make::Events(jsonl::open),
    },
    Format {
        name: "csv",
        says: "comma-separated values, one line an event",
        binary: false,
        make: Make::Events(csv::open),
    },
    Format {
        name: "parquet",
        says: "typed columns for DuckDB, ClickHouse, Spark and Trino",
        binary: true,
        make: PARQUET,
    },
    Format {
        name: "otlp-json",
        says: "OpenTelemetry logs, JSON lines",
        binary: false,
        make: Make::Events(otlp::open),
    },
    Format {
        name: "ocsf",
        says: "Open Cybersecurity Schema Framework 1.7, JSON lines",
        binary: false,
        make: Make::Events(ocsf::open),
    },
    Format {
        name: "ecs",
        says: "Elastic Common Schema 9.4, JSON lines",
        binary: false,
        make: Make::Events(ecs::open),
    },
    Format {
        name: "in-toto",
        says: "in-toto statement with a runtime trace; signed with --sign-key",
        binary: false,
        make: Make::Events(intoto::open),
    },
    Format {
        name: "perfetto",
        says: "trace of the process tree for ui.perfetto.dev and chrome://tracing",
        binary: false,
        make: Make::Events(perfetto::open),
    },
    Format {
        name: "pftrace",
        says: "the same trace in Perfetto's own form, protobuf",
        binary: true,
        make: Make::Events(perfetto::open_packets),
    },
    Format {
        name: "syslog",
        says: "findings as lines of syslog, RFC 5424",
        binary: false,
        make: Make::Events(syslog::open),
    },
    Format {
        name: "journal",
        says: "findings in the Journal Export Format of systemd",
        binary: true,
        make: Make::Events(journal::open),
    },
    Format {
        name: "bundle",
        says: "the record itself: one sealed, signed, compressed file",
        binary: true,
        make: Make::Record,
    },
];

/// Returns the format of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
