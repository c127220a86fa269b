//! `audit export`: runs in the formats of others.

mod bundle;
mod redacting;
mod signing;
mod target;

use std::{fs, io, path::Path};

use export::{Event, Make, Output, Run, redact::Policy};
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
            redacting::refuse_bundle(args)?;
            let target = Target::new(args.output.as_deref(), format)?;
            return bundle::write(args, globals, &target).map(|()| Answer::Yes);
        }
    };
    let policy = redacting::policy(args, globals)?;
    if let Some(dir) = args.output.as_deref().filter(|path| path.is_dir())
        && format.name == PARTED
    {
        return parted(dir, args, format, &Making { open, policy: policy.as_ref(), globals });
    }
    let target = Target::new(args.output.as_deref(), format)?;
    let opened: Vec<Opened> =
        args.runs.iter().map(|run| pages::open(globals, run)).collect::<Result<_, _>>()?;
    target.write(|out| {
        let out = match key {
            Some(key) => export::enveloped(out, key),
            None => out,
        };
        Making { open, policy: policy.as_ref(), globals }.events(out, &opened)
    })?;
    Ok(Answer::Yes)
}

/// Writes each run into a file of its own in `dir`, where engines look for it.
fn parted(
    dir: &Path,
    args: &ExportArgs,
    format: &export::Format,
    making: &Making<'_>,
) -> Result<Answer, Failure> {
    for run in &args.runs {
        // One at a time: there may be thousands.
        let opened = pages::open(making.globals, run)?;
        let place = dir.join(making.partition(&opened));
        fs::create_dir_all(&place)
            .map_err(|why| Failure::because(format!("cannot make {}", place.display()), &why))?;
        let file = place.join(format!("{}.{PARTED}", opened.run.id()));
        Target::new(Some(&file), format)?
            .write(|out| making.events(out, std::slice::from_ref(&opened)))?;
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

/// How events become the format.
struct Making<'m> {
    open: fn(Output) -> Box<dyn export::Writer>,
    policy: Option<&'m Policy>,
    globals: &'m Globals,
}

impl Making<'_> {
    /// Writes everything, one event after the other.
    fn events(&self, out: Output, opened: &[Opened]) -> Result<(), Failure> {
        let mut writer = (self.open)(out);
        for opened in opened {
            let run = described(opened);
            if let Some(policy) = self.policy {
                redacting::events(&mut *writer, &run, opened, policy, self.globals)?;
                continue;
            }
            writer.run(&run)?;
            pages::each_event(opened, self.globals, &mut |line| writer.event(&Event::parse(line)))?;
        }
        Ok(writer.finish()?)
    }

    /// Where the file of a run belongs: its machine has no name there that is hidden in it.
    fn partition(&self, opened: &Opened) -> String {
        let host = self
            .policy
            .map_or_else(|| opened.meta.host.clone(), |policy| policy.host(&opened.meta.host));
        export::partition(&opened.meta.started, &host)
    }
}

/// The run as the formats are told of it.
fn described(opened: &Opened) -> Run {
    let page = match serde_json::to_value(&opened.meta) {
        Ok(Value::Object(page)) => page,
        _ => serde_json::Map::new(),
    };
    Run {
        id: opened.run.id().to_string(),
        page,
        seal_sha256: opened.run.seal_sha256(),
        redaction: None,
    }
}

/// Standard output, buffered, which a format may take with it.
fn stdout() -> Output {
    Box::new(io::BufWriter::with_capacity(256 * 1024, io::stdout()))
}
