//! `audit export`: runs in the formats of others.

mod bundle;
mod signing;
mod target;

use std::{fs, io, path::Path};

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

/// The format that is one file a run where it goes into a directory.
const PARTED: &str = "parquet";

/// Writes the runs.
pub(crate) fn export(args: &ExportArgs, globals: &Globals) -> Result<Answer, Failure> {
    let format = format(globals)?;
    let key = signing::key(args, format)?;
    let open = match format.make {
        Make::Events(open) => open,
        Make::Missing(how) => {
            let message = format!("cannot export as {}: it is not in this build", format.name);
            return Err(Failure::new(message).hint(how));
        }
        Make::Record => {
            let target = Target::new(args.output.as_deref(), format)?;
            return bundle::write(args, globals, &target).map(|()| Answer::Yes);
        }
    };
    if let Some(dir) = args.output.as_deref().filter(|path| path.is_dir())
        && format.name == PARTED
    {
        return parted(dir, args, format, open, globals);
    }
    let target = Target::new(args.output.as_deref(), format)?;
    let opened: Vec<Opened> =
        args.runs.iter().map(|run| pages::open(globals, run)).collect::<Result<_, _>>()?;
    target.write(|out| {
        let out = match key {
            Some(key) => export::enveloped(out, key),
            None => out,
        };
        events(open(out), &opened, globals)
    })?;
    Ok(Answer::Yes)
}

/// Writes each run into a file of its own in `dir`, where engines look for it.
fn parted(
    dir: &Path,
    args: &ExportArgs,
    format: &export::Format,
    open: fn(Output) -> Box<dyn export::Writer>,
    globals: &Globals,
) -> Result<Answer, Failure> {
    for run in &args.runs {
        // One at a time: there may be thousands.
        let opened = pages::open(globals, run)?;
        let place = dir.join(export::partition(&opened.meta.started, &opened.meta.host));
        fs::create_dir_all(&place)
            .map_err(|why| Failure::because(format!("cannot make {}", place.display()), &why))?;
        let file = place.join(format!("{}.{PARTED}", opened.run.id()));
        Target::new(Some(&file), format)?
            .write(|out| events(open(out), std::slice::from_ref(&opened), globals))?;
    }
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
