//! `audit help TOPIC`, completions and man pages: all made from the one tree of arguments.

use std::io::{self, Write};

use clap::{Command, CommandFactory};

use crate::{args::Cli, exit, failure::Failure};

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
pub(crate) fn script(shell: clap_complete::Shell) -> Result<Vec<u8>, Failure> {
    let mut script = Vec::new();
    let name = shell.to_string();
    let all = clap_complete::env::Shells::builtins();
    match all.completer(&name) {
        Some(of) => of.write_registration("COMPLETE", "audit", "audit", "audit", &mut script)?,
        None => clap_complete::generate(shell, &mut Cli::command(), "audit", &mut script),
    }
    Ok(script)
}

/// The man pages by their names: one for the program, one for each command, and for the commands of
/// commands.
pub(crate) fn man() -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut tree = Cli::command();
    tree.build();
    let mut all = Vec::new();
    pages(&tree, "audit", &mut all)?;
    Ok(all)
}

fn pages(command: &Command, name: &str, all: &mut Vec<(String, Vec<u8>)>) -> Result<(), Failure> {
    all.push((name.to_owned(), page(command, name)?));
    let mut commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    commands.try_for_each(|command| pages(command, &format!("{name}-{}", command.get_name()), all))
}

fn page(command: &Command, name: &str) -> Result<Vec<u8>, Failure> {
    let man = clap_mangen::Man::new(command.clone().disable_help_flag(true)).title(name);
    let mut text = Vec::new();
    man.render(&mut text)?;
    let sections = match name {
        "audit" => &[("EXIT STATUS", exit::topic()), ("ENVIRONMENT", ENVIRONMENT.to_owned())][..],
        "audit-run" => &[("EXIT STATUS", exit::topic())],
        _ => &[],
    };
    for (title, words) in sections {
        // The first line is the title, which is said.
        let lines = words.lines().skip(2).map(roff_line).collect::<String>();
        write!(text, ".SH {title}\n.nf\n{lines}.fi\n")?;
    }
    Ok(text)
}

/// A line as it is: neither a request nor an escape (groff_man_style(7)).
fn roff_line(line: &str) -> String {
    let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
    format!("{guard}{}\n", line.replace('\\', "\\e").replace('-', "\\-"))
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
        let mut tree = Cli::command().term_width(80);
        tree.build();
        let mut all = Vec::new();
        each(&tree, "audit", &mut all);
        assert!(all.len() > 25, "{} commands", all.len());
        for (name, command) in all {
            let text = command.clone().render_long_help().to_string();
            let width = text.lines().map(crate::text::width).max();
            assert!(width <= Some(80), "{name}: {width:?}");
            let name = name.strip_prefix("audit-").unwrap_or(&name);
            insta::assert_snapshot!(format!("help_{name}"), text);
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

    /// Each command below `command` with the name of its page.
    fn each<'c>(command: &'c Command, name: &str, all: &mut Vec<(String, &'c Command)>) {
        all.push((name.to_owned(), command));
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            each(sub, &format!("{name}-{}", sub.get_name()), all);
        }
    }

    #[test]
    fn each_flag_stands_in_the_man_page_of_its_command() {
        let written = man().expect("they render");
        let mut tree = Cli::command();
        tree.build();
        let mut all = Vec::new();
        each(&tree, "audit", &mut all);
        let mut flags = 0;
        for (name, command) in &all {
            let page = written.iter().find(|(of, _)| of == name);
            let (_, text) = page.unwrap_or_else(|| panic!("{name} has no page"));
            let text = String::from_utf8_lossy(text);
            assert!(text.contains(".TH"), "{name}");
            let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
            for long in shown.filter_map(clap::Arg::get_long).filter(|long| *long != "help") {
                let flag = format!("\\-\\-{}", long.replace('-', "\\-"));
                assert!(text.contains(&flag), "{name}.1 lacks --{long}");
                flags += 1;
            }
        }
        assert!(all.len() > 25 && flags > 200, "{} commands, {flags} flags", all.len());
        assert_eq!(written.len(), all.len());
    }

    #[test]
    fn the_man_page_of_run_has_the_exit_statuses() {
        let mut tree = Cli::command();
        tree.build();
        let run = tree.find_subcommand("run").expect("there is one");
        let text = String::from_utf8(page(run, "audit-run").expect("it renders")).expect("UTF-8");
        assert!(text.contains(".SH EXIT STATUS") && text.contains("\n  125 "), "{text}");
        assert_eq!(roff_line(".x \\-"), "\\&.x \\e\\-\n");
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
