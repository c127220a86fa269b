//! From the arguments to an exit status; the only place that prints failures and chooses statuses.

use std::{io::Write, process::ExitCode};

use clap::CommandFactory;

use crate::{
    args::{Cli, Command, ConfigAct, Format, Generate},
    config, doctor, exit, exporting,
    failure::Failure,
    help, importing, keys, monitor, pages, run, setup, shipping, text, verify,
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
    // A shell that asks for completions is answered, and nothing else is done.
    clap_complete::CompleteEnv::with_factory(Cli::command).complete();
    let cli = match config::parse() {
        Ok(cli) => cli,
        Err(config::Wrong::Usage(wrong)) => return usage(&wrong),
        Err(config::Wrong::Setting { failure, run }) => {
            failure.print();
            return ExitCode::from(if run { exit::NOT_RECORDED } else { exit::TROUBLE });
        }
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
    if !said.use_stderr() {
        // A reader of help who has gone away is no failure.
        let _ = said.print();
        return ExitCode::from(exit::YES);
    }
    let text = said.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let mut err = anstream::stderr().lock();
    for (at, line) in text.lines().enumerate() {
        let lead = if at == 0 { "audit: " } else { "" };
        // It quotes arguments, which may be anything.
        let _ = writeln!(err, "{lead}{}", text::Safe::new(line).plain());
    }
    // A caller must be able to tell a command that failed from one that was never started.
    let command =
        std::env::args_os().skip(1).find(|word| !word.as_encoded_bytes().starts_with(b"-"));
    let code = match command.as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("run") => exit::NOT_RECORDED,
        Some("verify") => exit::UNREADABLE,
        _ => exit::TROUBLE,
    };
    ExitCode::from(code)
}

fn command(cli: &Cli) -> Result<ExitCode, Failure> {
    let globals = &cli.globals;
    let done = |()| Answer::Yes;
    check_form(cli)?;
    let answer = match &cli.command {
        Command::Run(args) => return Ok(run::run(args, globals)),
        Command::Runs(args) => pages::runs(args, globals),
        Command::View(args) => pages::view(args, globals),
        Command::Query(args) => pages::query(args, globals),
        Command::Explain(args) => pages::explain(args, globals),
        Command::Diff(args) => pages::diff(args, globals),
        Command::New(args) => pages::news(args, globals),
        Command::Baseline { act } => pages::baseline(act, globals),
        Command::Report(args) => pages::report(args, globals),
        Command::Export(args) => exporting::export(args, globals),
        Command::Ship(args) => return shipping::ship(args, globals),
        Command::Import(args) => importing::import(args, globals),
        Command::Tail(args) => pages::tail(args, globals),
        Command::Monitor(args) => monitor::monitor(args, globals),
        Command::Verify(args) => return Ok(verify::verify(args, globals)),
        Command::Keys(args) => keys::keys(args, globals),
        Command::Rules(args) => pages::rules(args, globals),
        Command::Status => pages::status(globals),
        Command::Doctor { act: Some(dir), .. } => doctor::act(dir).map(done),
        Command::Doctor { act: None, fix } => doctor::doctor(globals, *fix),
        Command::Prune(args) => pages::prune(args, globals),
        Command::Keep(args) => pages::keep(args, globals),
        Command::Config { act: ConfigAct::Show { origin } } => pages::config(*origin, globals),
        Command::Setup(args) => setup::setup(args),
        Command::Completions { shell } => help::completions(*shell).map(done),
        Command::Help { topic } => help::help(topic.as_deref()).map(done),
        Command::Generate { what: Generate::Share { dir } } => setup::write_below(dir).map(done),
    };
    answer.map(ExitCode::from)
}

/// A form that a command does not know is refused before anything is done.
fn check_form(cli: &Cli) -> Result<(), Failure> {
    let form = cli.globals.form();
    let known = matches!(
        (&cli.command, form),
        (_, Format::Text | Format::Json | Format::Jsonl)
            | (
                Command::Report(_),
                Format::Md | Format::Html | Format::Sarif | Format::Junit | Format::Github
            )
            | (Command::Export(_), _)
            | (Command::Diff(_) | Command::Baseline { .. }, Format::Md)
    );
    if known {
        return Ok(());
    }
    let failure = Failure::new("cannot print this page in that form");
    Err(match form {
        Format::Export(_) => failure.hint("audit export writes that format"),
        _ => failure.hint("use --format text, json or jsonl"),
    })
}
