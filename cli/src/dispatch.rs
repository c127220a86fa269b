//! From the arguments to an exit status; the only place that prints failures and chooses statuses.

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Cli, Command, Generate},
    doctor, exit,
    failure::Failure,
    help, run, text,
};

/// What a command that worked answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes, or done.
    Yes,
    /// No.
    No,
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => return usage(&wrong),
    };
    text::set_color(cli.globals.color);
    if let Command::Run(args) = &cli.command {
        return run::run(args, &cli.globals);
    }
    match answer(&cli) {
        Ok(Answer::Yes) => ExitCode::from(exit::YES),
        Ok(Answer::No) => ExitCode::from(exit::NO),
        Err(failure) if failure.is_closed_pipe() => ExitCode::from(exit::YES),
        Err(failure) => {
            failure.print();
            ExitCode::from(exit::TROUBLE)
        }
    }
}

/// Prints what clap has to say: help on standard output with 0, errors on standard error with 2.
fn usage(said: &clap::Error) -> ExitCode {
    let _ = said.print();
    if said.use_stderr() { ExitCode::from(exit::TROUBLE) } else { ExitCode::from(exit::YES) }
}

fn answer(cli: &Cli) -> Result<Answer, Failure> {
    match &cli.command {
        Command::Doctor => doctor::doctor(&cli.globals),
        Command::Completions { shell } => help::completions(*shell).map(|()| Answer::Yes),
        Command::Help { topic } => help::help(topic.as_deref()).map(|()| Answer::Yes),
        Command::Generate { what: Generate::Man { dir } } => help::man(dir).map(|()| Answer::Yes),
        _ => Err(Failure::new("cannot do this yet")),
    }
}
