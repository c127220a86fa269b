//! `audit help TOPIC`, completions and man pages: all made from the one tree of arguments.

use std::{
    io::{self, Write},
    path::Path,
};

use clap::{Command, CommandFactory};

use crate::{
    args::Cli,
    exit,
    failure::{Failure, system_text},
};

const ENVIRONMENT: &str = "\
Environment

  AUDIT_HOME      where runs are kept, as --home
  STATE_DIRECTORY the same, as systemd sets it for a service
  XDG_STATE_HOME  runs of ordinary users are in its directory audit
  AUDIT_PAGER     pager for text on a terminal; then PAGER; then less -FRX
  NO_COLOR        no colour; also CLICOLOR=0 and TERM=dumb
  CLICOLOR_FORCE  colour also where the output is no terminal
  COLUMNS         width of pages where the output is no terminal
  AUDIT_LINGER    --linger; so for all that audit config show lists

audit run sets, for the command and what it starts:
  AUDIT_RUN_ID    the run's id (not with --no-env)
";

/// Topics that are not commands, with their texts.
fn topics() -> [(&'static str, String); 2] {
    [("exit-codes", exit::topic()), ("environment", ENVIRONMENT.to_owned())]
}

/// Prints a topic, a command's help, or everything there is.
pub(crate) fn help(topic: Option<&str>) -> Result<(), Failure> {
    let mut tree = Cli::command();
    tree.build();
    let text = match topic {
        None => {
            let names = topics().map(|(name, _)| name).join(", ");
            format!("{}\nTopics: {names}\n", tree.render_long_help().ansi())
        }
        Some(name) => topic_text(&mut tree, name)?,
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(())
}

fn topic_text(tree: &mut Command, name: &str) -> Result<String, Failure> {
    if let Some((_, text)) = topics().into_iter().find(|(topic, _)| *topic == name) {
        return Ok(text);
    }
    match tree.find_subcommand_mut(name).filter(|command| !command.is_hide_set()) {
        Some(command) => Ok(command.render_long_help().ansi().to_string()),
        None => Err(Failure::new(format!("cannot help with '{name}': no such topic or command"))
            .hint("audit help")),
    }
}

/// Prints the completion script of `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    io::stdout().write_all(&script(shell)?)?;
    Ok(())
}

/// The shell asks the program itself, which knows the runs there are.
fn script(shell: clap_complete::Shell) -> Result<Vec<u8>, Failure> {
    let mut script = Vec::new();
    let name = shell.to_string();
    let all = clap_complete::env::Shells::builtins();
    match all.completer(&name) {
        Some(of) => of.write_registration("COMPLETE", "audit", "audit", "audit", &mut script)?,
        None => clap_complete::generate(shell, &mut Cli::command(), "audit", &mut script),
    }
    Ok(script)
}

/// Writes a man page for the program and one for each command into `dir`.
pub(crate) fn man(dir: &Path) -> Result<(), Failure> {
    let mut tree = Cli::command();
    tree.build();
    let commands: Vec<Command> =
        tree.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    page(&tree, "audit", dir)?;
    for command in commands {
        let name = format!("audit-{}", command.get_name());
        page(&command, &name, dir)?;
    }
    Ok(())
}

fn page(command: &Command, name: &str, dir: &Path) -> Result<(), Failure> {
    let path = dir.join(format!("{name}.1"));
    let man = clap_mangen::Man::new(command.clone().disable_help_flag(true)).title(name);
    let mut text = Vec::new();
    man.render(&mut text)?;
    std::fs::write(&path, text).map_err(|why| {
        Failure::new(format!("cannot write {}: {}", path.display(), system_text(&why)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_help(name: &str) -> String {
        let mut tree = Cli::command().term_width(80);
        tree.build();
        topic_text(&mut tree, name)
            .map(|text| anstream::adapter::strip_str(&text).to_string())
            .expect("it is a topic")
    }

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_a_help_that_fits() {
        for name in [
            "run",
            "runs",
            "view",
            "query",
            "verify",
            "keys",
            "status",
            "doctor",
            "prune",
            "setup",
            "completions",
        ] {
            let text = long_help(name);
            insta::assert_snapshot!(format!("help_{name}"), text);
            let width = text.lines().map(crate::text::width).max();
            assert!(width <= Some(80), "{name}: {width:?}");
        }
    }

    #[test]
    fn topics_are_shown_and_others_are_refused() {
        insta::assert_snapshot!("help_exit-codes", long_help("exit-codes"));
        insta::assert_snapshot!("help_environment", long_help("environment"));
        let mut tree = Cli::command();
        assert!(topic_text(&mut tree, "generate").is_err());
        assert!(topic_text(&mut tree, "x").is_err());
    }

    #[test]
    fn man_pages_are_written_for_the_program_and_each_command() {
        let temp = tempfile::tempdir().expect("a directory");
        man(temp.path()).expect("they are written");
        for name in
            ["audit", "audit-run", "audit-runs", "audit-view", "audit-query", "audit-doctor"]
        {
            let text = std::fs::read_to_string(temp.path().join(format!("{name}.1")));
            assert!(text.is_ok_and(|text| text.contains(".TH")), "{name}");
        }
        assert!(!temp.path().join("audit-generate.1").exists());
        assert!(man(Path::new("/nonexistent")).is_err());
    }

    #[test]
    fn every_shell_gets_a_completion_script() {
        use clap::ValueEnum;
        for shell in clap_complete::Shell::value_variants() {
            let script = script(*shell).expect("there is one");
            assert!(String::from_utf8_lossy(&script).contains("COMPLETE"), "{shell}");
        }
    }
}
