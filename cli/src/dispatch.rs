//! From the arguments to an exit status; the only place that prints failures and chooses statuses.

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Cli, Command, Generate},
    doctor, exit,
    failure::Failure,
    help, pages, run, text,
};

/// What a command that worked answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes, or done.
    Yes,
    /// No.
    No,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Yes => ExitCode::from(exit::YES),
            Answer::No => ExitCode::from(exit::NO),
        }
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => return usage(&wrong),
    };
    text::set_color(cli.globals.color);
    match command(&cli) {
        Ok(code) => code,
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

fn command(cli: &Cli) -> Result<ExitCode, Failure> {
    let globals = &cli.globals;
    let done = |()| Answer::Yes;
    let answer = match &cli.command {
        Command::Run(args) => return Ok(run::run(args, globals)),
        Command::Runs(args) => pages::runs(args, globals),
        Command::View(args) => pages::view(args, globals),
        Command::Query(args) => pages::query(args, globals),
        Command::Status => pages::status(globals),
        Command::Doctor => doctor::doctor(globals),
        Command::Completions { shell } => help::completions(*shell).map(done),
        Command::Help { topic } => help::help(topic.as_deref()).map(done),
        Command::Generate { what: Generate::Man { dir } } => help::man(dir).map(done),
    };
    answer.map(ExitCode::from)
}
