//! `audit ship`: starts the program that does it. What talks to a network is no part of this one.

use std::{
    env,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use serde_json::json;

use crate::{
    args::{Format, Globals, Part, ShipAct, ShipArgs},
    failure::Failure,
};

/// The program.
const PROGRAM: &str = "audit-ship";
/// Where packages put it.
const INSTALLED: [&str; 2] = ["/usr/lib/audit-run", "/usr/libexec/audit-run"];

/// Becomes that program. Returns only where it cannot be started.
pub(crate) fn ship(args: &ShipArgs, globals: &Globals) -> Result<ExitCode, Failure> {
    let own = env::current_exe()
        .map_err(|why| Failure::because("cannot find out which program this is", &why))?;
    let program = find(&own).ok_or_else(|| {
        Failure::new(format!("cannot ship: the program {PROGRAM} is not there"))
            .hint("it is in the packages, beside audit-supervisor; a build has it with")
            .hint("cargo build --release -p ship")
    })?;
    let settings = settings(args, globals, &own)?;
    let why = Command::new(&program).arg(settings).exec();
    Err(Failure::because(format!("cannot start {}", program.display()), &why))
}

fn find(own: &Path) -> Option<PathBuf> {
    let beside = own.parent().map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = beside.into_iter().chain(INSTALLED.map(PathBuf::from)).collect::<Vec<_>>();
    places.extend(env::split_paths(&path).filter(|dir| dir.is_absolute()));
    places.into_iter().map(|dir| dir.join(PROGRAM)).find(|path| path.is_file())
}

/// What the program is told: nothing of it is secret, as everybody sees it in a list of processes.
fn settings(args: &ShipArgs, globals: &Globals, own: &Path) -> Result<String, Failure> {
    let act = match args.act {
        Some(ShipAct::Status) => "status",
        None if args.dry_run => "dry-run",
        None if args.watch => "watch",
        None => "once",
    };
    let milliseconds =
        |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let told = json!({
        "act": act,
        "home": text(&globals.store_dir()?)?,
        "state": text(&state(args)?)?,
        "audit": text(own)?,
        "to": args.to,
        "findings": args.findings,
        "parts": parts(&args.parts),
        "endpoint": args.endpoint,
        "ca": args.ca.as_deref().map(text).transpose()?,
        "insecure_http": args.insecure_http,
        "spool_max": args.spool_max,
        "tries": args.tries.max(1),
        "pause_ms": milliseconds(args.pause),
        "interval_ms": milliseconds(args.interval),
        "json": matches!(globals.form(), Format::Json | Format::Jsonl),
        "quiet": globals.quiet,
    });
    Ok(told.to_string())
}

/// The words of the parts that are wanted.
fn parts(wanted: &[Part]) -> Vec<&'static str> {
    let can =
        |name| export::find(name).is_some_and(|it| !matches!(it.make, export::Make::Missing(_)));
    let all = [
        (Part::Seal, "seal", true),
        (Part::Seal, "seal-sig", true),
        (Part::Bundle, "bundle", can("bundle")),
        (Part::Parquet, "parquet", can("parquet")),
    ];
    let wants = |part, can| if wanted.is_empty() { can } else { wanted.contains(&part) };
    all.into_iter().filter(|(part, _, can)| wants(*part, *can)).map(|(_, word, _)| word).collect()
}

/// Where it is kept what was sent.
fn state(args: &ShipArgs) -> Result<PathBuf, Failure> {
    if let Some(state) = &args.state {
        return Ok(std::path::absolute(state).unwrap_or_else(|_| state.clone()));
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/audit-ship"));
    }
    let set = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    base.map(|base| base.join(PROGRAM)).ok_or_else(|| {
        Failure::new("cannot ship: HOME is not set").hint("say where the state is: --state DIR")
    })
}

fn text(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Failure::new(format!("cannot ship: {} is not UTF-8", path.display())))
}
