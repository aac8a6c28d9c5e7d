//! How much the engine takes, next to what the disk and a bare program take, on this machine, in one run.
//!
//! `cargo bench --bench load`, or with names of parts (`disk bare unmatched matched latency written size`) for
//! these alone: `cargo bench --bench load -- bare matched`. `--seconds 2` is shorter, and `--engine PATH`
//! measures another build. The load, the pretend Amps and what is measured share the machine.
//!
//! A rule that acts has two webhooks for each command: the event, and the report that ends the command.
#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on should stop"
)]

mod amps;
mod bare;
mod client;
mod disk;
mod house;
mod pairs;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use amps_rules::clock::Clock;
use tempfile::TempDir;

use client::{REQUESTS_MAX, Request, Sent, Signer, quantile, report};
use house::{House, Process, Usage};

/// Pairs of a battery and a charger, each with a rule.
pub(crate) const PAIRS: usize = 64;

/// Events of the measurement of latency.
const EVENTS: usize = 512;

/// Further rules, in turn.
const OTHER_RULES: [usize; 3] = [1, 1_000, 10_000];

/// Commands that a home has had before it is measured what the next ones write: the tables are large then.
const HISTORY: usize = 8192;

const PARTS: [&str; 7] = [
    "disk",
    "bare",
    "unmatched",
    "matched",
    "latency",
    "written",
    "size",
];

/// How the program starts itself as the bare server.
const SERVE_BARE: &str = "serve-bare";

struct Arguments {
    parts: Vec<String>,
    time: Duration,
    engine: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let [command, dir] = &arguments[..]
        && command == SERVE_BARE
    {
        bare::serve(Path::new(dir), say);
        return ExitCode::SUCCESS;
    }
    let Some(arguments) = read(arguments) else {
        say("measures only when run by `cargo bench --bench load`\n");
        return ExitCode::SUCCESS;
    };
    let n_wrong = measure(&arguments);
    ExitCode::from(u8::from(0 < n_wrong))
}

/// None where this is run as a test.
fn read(arguments: Vec<OsString>) -> Option<Arguments> {
    let mut read = Arguments {
        parts: Vec::new(),
        time: Duration::from_secs(5),
        engine: PathBuf::from(env!("CARGO_BIN_EXE_amps-rules")),
    };
    let mut is_bench = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.to_str().unwrap() {
            "--bench" => is_bench = true,
            "--test" => return None,
            "--seconds" => {
                let seconds = arguments.next().unwrap().into_string().unwrap();
                read.time = Duration::from_secs(seconds.parse().unwrap());
            }
            "--engine" => read.engine = arguments.next().unwrap().into(),
            part if PARTS.contains(&part) => read.parts.push(part.to_owned()),
            other => panic!("`{other}` is none of the parts {PARTS:?}"),
        }
    }
    is_bench.then_some(read)
}

fn measure(arguments: &Arguments) -> usize {
    let wanted =
        |part: &str| arguments.parts.is_empty() || arguments.parts.iter().any(|it| it == part);
    row([
        "", "a second", "p50 ms", "p99 ms", "max ms", "CPU µs", "others",
    ]);
    let mut n_wrong = 0;
    if wanted("disk") {
        let dir = folder();
        disk("append 512 B + fdatasync", disk::appends(dir.path()));
        disk("SQLite WAL FULL, a row a commit", disk::commits(dir.path()));
    }
    if wanted("bare") {
        bare(arguments);
    }
    if wanted("unmatched") {
        n_wrong += unmatched(arguments);
    }
    if wanted("matched") {
        n_wrong += matched(arguments);
    }
    if wanted("latency") {
        let mut house = House::start(&arguments.engine, 0);
        latency("webhook in to push out, alone", &mut house);
    }
    if wanted("written") {
        written(arguments);
    }
    if wanted("size") {
        for n_others in OTHER_RULES {
            size(arguments, n_others);
        }
    }
    n_wrong
}

fn disk(what: &str, mut took: Vec<Duration>) {
    let per_second = client::rate(took.len(), took.iter().sum());
    line(what, Some(per_second), &mut took, None);
}

fn bare(arguments: &Arguments) {
    let dir = folder();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .arg(SERVE_BARE)
        .arg(dir.path())
        .stdout(Stdio::piped());
    let server = Process::start(command, |child| Box::new(child.stdout.take().unwrap()));
    let requests = unknown_devices();
    let (sent, usage) = server.watch(|| client::send_all(server.address, requests, arguments.time));
    webhooks("bare: axum, signature, group commit", sent, &usage);
}

fn unmatched(arguments: &Arguments) -> usize {
    let house = House::start(&arguments.engine, 0);
    let requests = unknown_devices();
    let address = house.engine.address;
    let (sent, usage) = house
        .engine
        .watch(|| client::send_all(address, requests, arguments.time));
    let memory = house.engine.memory();
    let n_answered = sent.answered;
    let mut n_wrong = sent.refused;
    webhooks("engine: nobody listens", sent, &usage);
    note(&format!("{memory:.1} MB under load"));
    n_wrong += equal("recorded", house.count(RECORDED), "answered", n_answered);
    n_wrong + equal("ordered", house.count(COMMANDS), "expected", 0)
}

const RECORDED: &str = "SELECT count(*) FROM events WHERE source = 'webhook' AND state = 'done'";
const COMMANDS: &str = "SELECT count(*) FROM commands";
const COMPLETED: &str = "SELECT count(*) FROM commands WHERE state = 'completed' AND attempts = 1";
const RUNS: &str = "SELECT count(*) FROM runs WHERE state = 'completed'";
const TOO_EARLY: &str = "SELECT count(*) FROM traces WHERE verdict = 'already_running'";
const EVENTS_OF_BATTERIES: &str =
    "SELECT count(*) FROM events WHERE id LIKE 'msg_act_battery%' AND state = 'done'";

fn matched(arguments: &Arguments) -> usize {
    let mut house = House::start(&arguments.engine, 0);
    let (_, pushes) = tokio::sync::mpsc::unbounded_channel();
    let pushes = std::mem::replace(&mut house.pushes, pushes);
    let address = house.engine.address;
    let (played, usage) = house
        .engine
        .watch(|| pairs::play(address, pushes, arguments.time));
    let memory = house.engine.memory();
    let mut n_wrong = played.sent.refused;
    webhooks("engine: a rule acts on each", played.sent, &usage);
    let commands = client::rate(played.n_pushes, arguments.time);
    let memory = format!("{memory:.1} MB under load");
    note(&format!("{commands:.0} commands a second; {memory}"));
    n_wrong += equal(
        "recorded",
        house.count(RECORDED),
        "answered",
        played.n_answered,
    );
    let n_commands = house.count(COMMANDS);
    // An event finds the run of the one before it at work when a report overtakes the answer to its push.
    let n_expected = house.count(EVENTS_OF_BATTERIES) - house.count(TOO_EARLY);
    n_wrong += equal("ordered", n_commands, "events of free pairs", n_expected);
    n_wrong += equal(
        "completed with one push",
        house.count(COMPLETED),
        "ordered",
        n_commands,
    );
    n_wrong + equal("runs completed", house.count(RUNS), "ordered", n_commands)
}

fn latency(what: &str, house: &mut House) {
    let address = house.engine.address;
    let mut took = pairs::one_by_one(address, &mut house.pushes, 0..EVENTS);
    line(what, None, &mut took, None);
}

/// What reaches the disk, write-ahead log and checkpoints together, while nothing else is going on.
fn written(arguments: &Arguments) {
    let mut house = House::start(&arguments.engine, 0);
    let address = house.engine.address;
    pairs::one_by_one(address, &mut house.pushes, 0..HISTORY);
    let before = house.engine.written();
    let mut took = pairs::one_by_one(address, &mut house.pushes, HISTORY..HISTORY + EVENTS);
    let bytes = (house.engine.written() - before) / EVENTS;
    line(
        &format!("after {HISTORY} commands, alone"),
        None,
        &mut took,
        None,
    );
    note(&format!("{bytes} bytes written for a command"));
}

fn size(arguments: &Arguments, n_others: usize) {
    let mut house = House::start(&arguments.engine, n_others);
    let (start, memory) = (house.engine.start.as_millis(), house.engine.memory());
    latency(
        &format!("{n_others} other rules: webhook to push"),
        &mut house,
    );
    note(&format!("ready after {start} ms; {memory:.1} MB idle"));
}

/// Events of devices that the home does not have.
fn unknown_devices() -> Vec<Request> {
    let signer = Signer::new();
    (0..REQUESTS_MAX)
        .map(|number| {
            let body = report(&format!("act_{number}"), "dev_unknown", "battery");
            signer.request(&format!("msg_{number}"), &body)
        })
        .collect()
}

fn webhooks(what: &str, mut sent: Sent, usage: &Usage) {
    let per_second = sent.per_second();
    let cpu = usage.spent / per_second / sent.took.as_secs_f64() * 1e6;
    line(
        what,
        Some(per_second),
        &mut sent.latencies,
        Some((cpu, usage.others)),
    );
    if 0 < sent.refused {
        note(&format!("{} REFUSED", sent.refused));
    }
}

/// Says whether two counts are the same; otherwise it counts as one thing wrong.
fn equal(this: &str, n_this: usize, that: &str, n_that: usize) -> usize {
    let verdict = if n_this == n_that { "" } else { "  WRONG" };
    note(&format!("{n_this} {this}, {n_that} {that}{verdict}"));
    usize::from(n_this != n_that)
}

fn line(what: &str, per_second: Option<f64>, took: &mut [Duration], cpu: Option<(f64, f64)>) {
    let ms = |share| quantile(&mut took.to_vec(), share).as_secs_f64() * 1e3;
    row([
        what,
        &per_second.map_or_else(String::new, |it| format!("{it:.0}")),
        &format!("{:.3}", ms(0.5)),
        &format!("{:.3}", ms(0.99)),
        &format!("{:.3}", ms(1.0)),
        &cpu.map_or_else(String::new, |(spent, _)| format!("{spent:.1}")),
        &cpu.map_or_else(String::new, |(_, others)| {
            format!("{:.0} %", others * 100.0)
        }),
    ]);
}

fn row([what, cells @ ..]: [&str; 7]) {
    let [rate, p50, p99, max, cpu, others] = cells;
    say(&format!(
        "{what:<36}{rate:>10}{p50:>9}{p99:>9}{max:>9}{cpu:>9}{others:>9}\n"
    ));
}

fn note(text: &str) {
    say(&format!("    {text}\n"));
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).unwrap();
    out.flush().unwrap();
}

/// A new folder on the disk that the program was built on: other places may be in memory.
pub(crate) fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

pub(crate) fn pause(time: Duration) {
    client::runtime().block_on(Clock::System.sleep(time));
}

pub(crate) fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "this is the place that measures")]
    Instant::now()
}
