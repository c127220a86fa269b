//! `audit export`: runs in the formats of others.

mod target;

use std::io;

use export::{Event, Make, Output, Run};
use serde_json::Value;

use self::target::Target;
use crate::{
    args::{ExportArgs, Format, Globals},
    derive::Opened,
    dispatch::Answer,
    failure::Failure,
    pages,
};

/// Writes the runs.
pub(crate) fn export(args: &ExportArgs, globals: &Globals) -> Result<Answer, Failure> {
    let format = format(globals)?;
    let target = Target::new(args.output.as_deref(), format)?;
    let opened: Vec<Opened> =
        args.runs.iter().map(|run| pages::open(globals, run)).collect::<Result<_, _>>()?;
    let Make::Events(open) = format.make;
    target.write(|out| events(open(out), &opened, globals))?;
    Ok(Answer::Yes)
}

/// The format that was asked for.
fn format(globals: &Globals) -> Result<&'static export::Format, Failure> {
    let name = match globals.form() {
        Format::Text => "jsonl",
        form => form.name(),
    };
    export::find(name).ok_or_else(|| {
        Failure::new(format!("cannot export as {name}: that is a form of pages"))
            .hint("audit help export lists the formats")
    })
}

/// Gives everything to `writer`, one event after the other.
fn events(
    mut writer: Box<dyn export::Writer>,
    opened: &[Opened],
    globals: &Globals,
) -> Result<(), Failure> {
    for opened in opened {
        writer.run(&described(opened))?;
        pages::each_event(opened, globals, &mut |line| writer.event(&Event::parse(line)))?;
    }
    Ok(writer.finish()?)
}

/// The run as the formats are told of it.
fn described(opened: &Opened) -> Run {
    let page = match serde_json::to_value(&opened.meta) {
        Ok(Value::Object(page)) => page,
        _ => serde_json::Map::new(),
    };
    Run { id: opened.run.id().to_string(), page, seal_sha256: opened.run.seal_sha256() }
}

/// Standard output, buffered, which a format may take with it.
fn stdout() -> Output {
    Box::new(io::BufWriter::with_capacity(256 * 1024, io::stdout()))
}
