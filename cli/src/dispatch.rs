//! From the arguments to an exit status; the only place that prints failures and chooses statuses.

use std::{io, process::ExitCode};

use clap::{CommandFactory, Parser};

use crate::{
    args::{Cli, Command},
    exit,
    failure::Failure,
    run, text,
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
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "audit", &mut script);
            io::Write::write_all(&mut io::stdout(), &script)?;
            Ok(Answer::Yes)
        }
        _ => Err(Failure::new("cannot do this yet")),
    }
}
