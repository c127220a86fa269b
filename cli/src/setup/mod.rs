//! `audit setup`: installs the recorder for ordinary users, shows how, or takes it back.
//!
//! Every step looks first whether it is done, so that it can be run again. What is made is owned by
//! root or by the recorder's own user; no name and no path of an ordinary user has any part in it, but
//! for who becomes a member of the group.

mod account;
mod kept;
mod program;
mod shared;
mod unit;

use std::{
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::Path,
};

use event::install::{GROUP, STORE, SUPERVISOR, USER};

pub(crate) use shared::write_below;

use crate::{args::SetupArgs, dispatch::Answer, failure::Failure, run, text::Safe};

/// One thing to be done.
struct Step {
    /// As a command that a person could type.
    command: String,
    /// It is done already.
    done: bool,
    act: Box<dyn FnOnce() -> Result<(), Failure>>,
}

impl Step {
    fn new(
        command: impl Into<String>,
        done: bool,
        act: impl FnOnce() -> Result<(), Failure> + 'static,
    ) -> Step {
        Step { command: command.into(), done, act: Box::new(act) }
    }
}

/// Does, shows or takes back the set-up.
pub(crate) fn setup(args: &SetupArgs) -> Result<Answer, Failure> {
    if let Some(name) = &args.unit {
        let page = unit::print(name)?;
        let mut out = anstream::stdout().lock();
        for line in page.lines() {
            writeln!(out, "{}", Safe::new(line))?;
        }
        return Ok(Answer::Yes);
    }
    let users = members(args)?;
    let steps = if args.undo { undo() } else { steps(&users)? };
    let mut out = anstream::stdout().lock();
    if args.print {
        for line in steps.iter().flat_map(|step| step.command.lines()) {
            writeln!(out, "{}", Safe::new(line))?;
        }
        return Ok(Answer::Yes);
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new("cannot set the recorder up: only root can")
            .hint("sudo audit setup")
            .hint("audit setup --print shows what it would do"));
    }
    perform(steps, &mut out)?;
    if args.undo {
        writeln!(out, "The recorder is removed. Recorded runs stay in {STORE}.")?;
    } else if users.is_empty() {
        writeln!(out, "Ready. Who may record joins the group: audit setup --user NAME")?;
    } else {
        writeln!(out, "Ready. {} can record after the next login.", Safe::new(&users.join(", ")))?;
    }
    Ok(Answer::Yes)
}

fn perform(steps: Vec<Step>, out: &mut impl Write) -> Result<(), Failure> {
    for step in steps {
        let word = if step.done { "is done" } else { "does" };
        for line in step.command.lines() {
            writeln!(out, "{word:<7}  {}", Safe::new(line))?;
        }
        if !step.done {
            (step.act)()?;
        }
    }
    Ok(())
}

/// Who shall be able to record: whom the caller names, else who called sudo.
fn members(args: &SetupArgs) -> Result<Vec<String>, Failure> {
    let mut users = args.user.clone();
    if users.is_empty() && !args.undo {
        users.extend(std::env::var("SUDO_USER").ok().filter(|name| name != "root"));
    }
    for user in &users {
        if account::uid_of(user).is_none() {
            return Err(Failure::new(format!("cannot let '{user}' record: no such user")));
        }
    }
    Ok(users)
}

fn steps(users: &[String]) -> Result<Vec<Step>, Failure> {
    let source = run::find_supervisor()
        .ok_or_else(|| Failure::new("cannot find the program audit-supervisor"))?;
    let mut steps = vec![
        account::command(["groupadd", "--system", GROUP], account::gid_of(GROUP).is_some()),
        account::command(
            [
                "useradd",
                "--system",
                "--gid",
                GROUP,
                "--no-create-home",
                "--home-dir",
                "/nonexistent",
                "--shell",
                "/usr/sbin/nologin",
                USER,
            ],
            account::uid_of(USER).is_some(),
        ),
        directory(STORE, 0o711),
    ];
    steps.extend(kept::to_recorder());
    let folder = Path::new(SUPERVISOR).parent().unwrap_or(Path::new("/"));
    steps.push(directory(&folder.to_string_lossy(), 0o755));
    steps.extend(program::install(&source));
    steps.extend(shared::install()?);
    for user in users {
        let is_member = account::is_member(user, GROUP);
        steps.push(account::command(["usermod", "--append", "--groups", GROUP, user], is_member));
    }
    Ok(steps)
}

/// Everything but the runs.
fn undo() -> Vec<Step> {
    let folder = Path::new(SUPERVISOR).parent().unwrap_or(Path::new("/"));
    let gone = |path: &Path| !path.exists();
    let remove = |path: &Path, command: &str, act: fn(&Path) -> io::Result<()>| {
        let owned = path.to_owned();
        Step::new(format!("{command} {}", path.display()), gone(path), move || {
            act(&owned)
                .map_err(|why| Failure::because(format!("cannot remove {}", owned.display()), &why))
        })
    };
    let mut steps = vec![
        remove(Path::new(SUPERVISOR), "rm", |path| std::fs::remove_file(path)),
        // Other versions' files may be in it.
        remove(folder, "rmdir --ignore-fail-on-non-empty", |path| {
            match std::fs::remove_dir(path) {
                Err(why) if why.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
                other => other,
            }
        }),
        account::command(["userdel", USER], account::uid_of(USER).is_none()),
        // userdel removes a group of the same name only.
        account::command(["groupdel", GROUP], account::gid_of(GROUP).is_none()),
    ];
    steps.extend(kept::to_root());
    steps.extend(shared::remove());
    steps
}

/// A directory of root's, with these rights.
fn directory(path: &str, mode: u32) -> Step {
    let place = std::path::PathBuf::from(path);
    let meta = std::fs::symlink_metadata(&place);
    let done = meta.is_ok_and(|meta| {
        meta.is_dir() && meta.uid() == 0 && meta.permissions().mode() & 0o7777 == mode
    });
    let command = format!("install -d -o root -g root -m {mode:o} {path}");
    Step::new(command, done, move || {
        let failed =
            |why: io::Error| Failure::because(format!("cannot make {}", place.display()), &why);
        std::fs::DirBuilder::new().recursive(true).mode(mode).create(&place).map_err(failed)?;
        std::os::unix::fs::lchown(&place, Some(0), Some(0)).map_err(failed)?;
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).map_err(failed)
    })
}
