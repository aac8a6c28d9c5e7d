//! The commands: what was typed, what it does, and the exit code.

mod arguments;
mod check;
mod completions;
mod console;
mod demo;
mod devices;
mod doctor;
mod engine;
mod explain;
mod fmt;
mod home;
mod init;
mod lists;
mod plan;
mod replay;
mod run;
mod schema;
mod settings;
mod simulator;
mod standing;
mod status;
mod takes;
mod test;
mod webhook;
mod why;
mod words;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

use arguments::{
    Arguments, Command, DeadLetterArguments, DeadLetterCommand, ListArguments, LogFormat, LogLevel,
    ShowCommand,
};
use console::Console;

use crate::control::{DeadLetterBody, DeadLetterWish, Wish};
use crate::store::view::{CommandRow, DeadLetter, EventRow, RunRow};

/// How the program ends (`README.md` has the table).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Done = 0,
    /// Rules have errors, or the story went wrong.
    Findings = 1,
    /// The command line or `home.yaml` is wrong.
    Usage = 2,
    /// The engine of this home cannot be reached.
    Unreachable = 3,
    /// The program is wrong.
    Bug = 70,
}

/// Runs the program with `arguments` (the program's own name first).
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut console = Console::of_process();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return code(refuse(&error, &mut console)),
    };
    let is_run = matches!(arguments.command, Command::Run);
    let level = if is_run {
        LogLevel::Info
    } else {
        LogLevel::Warn
    };
    log(arguments.log.unwrap_or(level), arguments.log_format);
    let exit = run(arguments, &mut console).unwrap_or_else(|error| {
        if is_broken_pipe(&error) {
            return Exit::Done;
        }
        // Standard error may be gone too; the exit code still tells.
        drop(writeln!(console.err, "error: {error:#}"));
        Exit::Usage
    });
    code(exit)
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit as u8)
}

fn run(arguments: Arguments, console: &mut Console) -> anyhow::Result<Exit> {
    let home = &arguments.home;
    match arguments.command {
        Command::Demo(demo) => demo::demo(&demo, console),
        Command::Init { dir } => init::init(&dir, console),
        Command::Run => run::run(home, console),
        Command::Check(check) => check::check(home, &check, console),
        Command::Test(test) => test::test(home, &test, console),
        Command::Fmt(fmt) => fmt::fmt(home, &fmt, console),
        Command::Schema(schema) => schema::schema(&schema, console),
        Command::Explain(explain) => explain::explain(&explain, console),
        Command::Simulator(settings) => simulator::simulator(&settings, console),
        Command::Webhook(arguments::WebhookCommand::Send(send)) => {
            webhook::send(home, &send, console)
        }
        Command::Events(list) => lists::list::<EventRow>(home, &list, console),
        Command::Commands(list) => lists::list::<CommandRow>(home, &list, console),
        Command::Runs(list) => lists::list::<RunRow>(home, &list, console),
        Command::Replay(replay) => replay::replay(home, &replay, console),
        Command::DeadLetters(letters) => dead_letters(home, letters, console),
        Command::Status(how) => status::status(home, how.json, console),
        Command::Doctor(how) => doctor::doctor(home, how.json, console),
        Command::Devices(now) => devices::devices(home, &now, console),
        Command::Inputs(how) => devices::inputs(home, how.json, console),
        Command::Why(asked) => why::why(home, &asked, console),
        Command::Plan(plan) => plan::plan(home, plan.json, console),
        Command::Reload(reload) => engine::ask(home, &Wish::Reload, reload.json, console),
        Command::StopAll(stop) => engine::ask(home, &Wish::StopAll, stop.json, console),
        Command::Trigger(of) => engine::ask(home, &Wish::Trigger(of.rule()), of.how.json, console),
        Command::Resume(of) => engine::ask(home, &Wish::Resume(of.rule()), of.how.json, console),
        Command::Pause(pause) => {
            let (rule, reason) = (pause.of.rule(), pause.reason);
            engine::ask(home, &Wish::Pause(rule, reason), pause.of.how.json, console)
        }
        Command::Completions { shell } => completions::completions(shell, console),
    }
}

/// A list, or something that the engine is asked for.
fn dead_letters(
    home: &Path,
    letters: DeadLetterArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let DeadLetterArguments { what, json, limit } = letters;
    let (id, what) = match what {
        Some(DeadLetterCommand::Retry { id }) => (id, DeadLetterWish::Retry),
        Some(DeadLetterCommand::Drop { id }) => (id, DeadLetterWish::Drop),
        Some(DeadLetterCommand::Show { id }) => {
            let show = Some(ShowCommand::Show { id });
            let list = ListArguments { show, json, limit };
            return lists::list::<DeadLetter>(home, &list, console);
        }
        None => {
            let list = ListArguments {
                show: None,
                json,
                limit,
            };
            return lists::list::<DeadLetter>(home, &list, console);
        }
    };
    let wish = Wish::DeadLetter(DeadLetterBody { id, what });
    engine::ask(home, &wish, json, console)
}

/// Help and version are data; everything else that clap has to say is not.
fn refuse(error: &clap::Error, console: &mut Console) -> Exit {
    let text = error.render();
    let (written, exit) = if error.use_stderr() {
        (write!(console.err, "{text}"), Exit::Usage)
    } else {
        (write!(console.out, "{text}"), Exit::Done)
    };
    drop(written);
    exit
}

/// Whoever read our output has read enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Logs to standard error. A journal adds its own time.
fn log(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    let set = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    // Only a second call can fail, and it would say the same.
    drop(set);
}

/// A runtime with the two threads that a small machine can spare.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}
