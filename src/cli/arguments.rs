//! What was typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::id::RuleId;

/// Rules for home energy: signed webhooks in, YAML rules, commands followed to their end.
#[derive(Debug, Parser)]
#[command(name = "amps-rules", version, disable_help_subcommand = true)]
pub(super) struct Arguments {
    /// The folder of the home: `home.yaml`, `rules/`, `state/`.
    #[arg(long, global = true, default_value = ".", value_name = "DIR")]
    pub(super) home: PathBuf,

    /// How much to log, to standard error; `info` for `run` and `warn` for the others, if not told.
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    pub(super) log: Option<LogLevel>,

    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(super) log_format: LogFormat,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Play a story: a battery charge ends, a car starts to charge. Needs nothing.
    Demo(DemoArguments),
    /// Write a home to begin with: settings, starter rules, a place for the secrets.
    Init {
        /// A folder that is empty, or not there yet.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Run the engine of this home.
    Run,
    /// Check the home and its rules, all files in one go.
    Check(CheckArguments),
    /// Run the tests of rules, with a clock wound by hand; nothing is sent anywhere.
    Test(TestArguments),
    /// Write the home's files in one way: indentation, spaces, order of keys. Comments stay.
    Fmt(FmtArguments),
    /// Print what editors can know of a kind of file, as JSON Schema.
    Schema(SchemaArguments),
    /// Say what a code like `E204` means, with an example.
    Explain(ExplainArguments),
    /// Run a pretend Amps on this machine.
    Simulator(SimulatorArguments),
    /// Send a webhook to this home, signed as Amps would.
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// What came in, newest first.
    Events(ListArguments),
    /// What was asked of devices, newest first.
    Commands(ListArguments),
    /// Runs of rules, newest first.
    Runs(ListArguments),
    /// What was given up and is kept to be looked at.
    DeadLetters(DeadLetterArguments),
    /// Play past events against edited rules: what was done then beside what would be done now.
    #[command(after_help = REPLAY_HELP)]
    Replay(ReplayArguments),
    /// How the home is: the engine, rules, open orders, devices, inputs, what comes next.
    Status(HowArguments),
    /// Look for what is wrong with the home, and say what to do about it.
    Doctor(HowArguments),
    /// What is known of the devices of this home.
    Devices(NowArguments),
    /// What is known of the inputs of this home.
    Inputs(HowArguments),
    /// Say why a rule ran or did not, or what led to a command, a run or an event, and what came of it.
    Why(WhyArguments),
    /// Show what a reload would change: rules, timers, runs, and what is wrong with it.
    Plan(HowArguments),
    /// Take over edited rules now; the running engine also does so by itself.
    Reload(HowArguments),
    /// Run the actions of a rule, whatever its triggers and conditions say.
    Trigger(RuleArguments),
    /// Let a rule rest until it is resumed. Runs that are under way go on; what waits for an answer to its conditions
    /// comes to nothing.
    Pause(PauseArguments),
    /// Let a paused rule go on.
    Resume(RuleArguments),
    /// End every run and pause every rule. Orders that devices have already are left to their end.
    StopAll(HowArguments),
    /// A script that lets a shell complete the words of this program.
    Completions { shell: Shell },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// End when the story has ended: with 0 if it went as told, with 1 if not.
    #[arg(long)]
    pub(super) once: bool,

    /// How many times faster than life, from 1 to 1000.
    #[arg(long, default_value_t = 10.0, value_name = "N", value_parser = speed)]
    pub(super) speed: f64,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Rule files, or folders of them; the home's own `rules/` when none is named.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(super) format: LogFormat,

    /// Take warnings for errors.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) deny: Option<Deny>,
}

#[derive(Debug, Args)]
pub(super) struct TestArguments {
    /// Files of tests or rules, folders of them, or folders of homes; this home when none is named.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Only tests with this in their name or the name of their file.
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,

    #[arg(long, value_enum, default_value_t = TestFormat::Text, value_name = "FORMAT")]
    pub(super) format: TestFormat,

    /// Tell which triggers, conditions and steps no test reached.
    #[arg(long)]
    pub(super) coverage: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum TestFormat {
    Text,
    Json,
    Junit,
}

/// What a replay takes for granted.
const REPLAY_HELP: &str = "\
A moment is `2026-01-10 22:00` (on the clock of the home), `2026-01-10T22:00:00Z`, `22:00` (the last time it was), \
or a duration such as `24h` (so long ago).

Nothing is sent and nothing is written; the engine may run or not. `=` was done then and would be done now, `-` was \
done only then, `+` would be done only now: runs, commands, settings, requests and messages, within 30 seconds.

An order, setting or request that was made then too ends as it ended then. One that is new has no answer on record: it is \
taken to be completed after 10 seconds (a planned order: so long after its start; a request: answered after 1 second), and \
a planned order that is called off only now to be cancelled after 1 second; `~` marks all that stands or falls with that. \
Reports of orders that the rules do not give now did not come; what devices showed stays as it is on record.

Runs that were under way at the beginning are left out, with all they did. Values, sides of limits, orders and runs of \
the day before are known; what rules remembered then and have set anew since (`state.NAME`) is not. When the engine was \
down is not on record: of a silence before a start, the last 15 minutes are taken for that.

Ends with 0 when there is no difference, with 1 when there are some, and with 2 when home or rules are wrong.";

#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// From when on.
    #[arg(long, value_name = "T")]
    pub(super) since: String,

    /// Until when; now, if not told.
    #[arg(long, value_name = "T")]
    pub(super) until: Option<String>,

    /// The edited rules: a folder of rule files, or a home; this home's own when none is named.
    #[arg(long, value_name = "DIR")]
    pub(super) rules: Option<PathBuf>,

    /// As JSON; the fields are described in the README.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct FmtArguments {
    /// Files, or folders of them; `home.yaml`, `rules/` and `tests/` of the home when none is named.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Write nothing; list the files that would change, and end with 1 if there are any.
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// The kind of file; rule files may hold tests too.
    #[arg(value_enum, default_value_t = SchemaKind::Rules, value_name = "KIND")]
    pub(super) kind: SchemaKind,

    /// Write the schemas of all kinds into this folder instead, in place of older ones.
    #[arg(long, value_name = "DIR", conflicts_with = "kind")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaKind {
    Rules,
    Tests,
    Home,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The code, as a message shows it in brackets.
    #[arg(value_name = "CODE")]
    pub(super) code: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Deny {
    Warnings,
}

#[derive(Debug, Args)]
pub(super) struct SimulatorArguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8799", value_name = "ADDRESS")]
    pub(super) listen: std::net::SocketAddr,

    /// Where to send webhooks; each event to an address of its own below this one.
    #[arg(
        long,
        default_value = "http://127.0.0.1:8787/webhooks/amps",
        value_name = "URL"
    )]
    pub(super) webhooks_to: String,

    /// How many times faster than life devices charge and actions end, from 1 to 1000.
    #[arg(long, default_value_t = 1.0, value_name = "N", value_parser = speed)]
    pub(super) speed: f64,

    /// The key that it takes; one for live devices (`sk_live_…`) makes it play live.
    #[arg(long, default_value = crate::cli::simulator::API_KEY, value_name = "KEY")]
    pub(super) api_key: String,

    /// How it behaves where the documents of Amps leave it open: `generation=b`. May be repeated; all are in
    /// `src/simulator/README.md`, and `/_simulator/switches` turns them later.
    #[arg(long = "set", value_name = "SWITCH=VALUE")]
    pub(super) switches: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Signs a body with the home's first webhook secret and posts it to the home.
    Send(SendArguments),
}

#[derive(Debug, Args)]
pub(super) struct SendArguments {
    /// The event to make up, and the end of the address: `push.completed`, `device.disconnected`, …
    #[arg(long, value_name = "EVENT")]
    pub(super) event: Option<String>,

    /// A file with the body; without it, a body is made up for a device of the home.
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,

    /// The device that a made-up body speaks of; the home's first when none is named.
    #[arg(long, value_name = "ALIAS")]
    pub(super) device: Option<String>,

    /// The delivery id; a new one when none is given. The same id twice is one delivery.
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(subcommand)]
    pub(super) show: Option<ShowCommand>,

    /// As JSON; the fields are described in the README.
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// How many, at most.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct DeadLetterArguments {
    #[command(subcommand)]
    pub(super) what: Option<DeadLetterCommand>,

    /// As JSON; the fields are described in the README.
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// How many, at most.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(super) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(super) enum DeadLetterCommand {
    /// One of them, with everything that is known of it.
    Show { id: String },
    /// Give it another chance: handle the event, or send the message.
    Retry { id: String },
    /// Put it away: nothing comes of it.
    Drop { id: String },
}

#[derive(Debug, Args)]
pub(super) struct NowArguments {
    #[command(subcommand)]
    pub(super) show: Option<ShowCommand>,

    /// As JSON; the fields are described in the README.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct WhyArguments {
    /// A rule, or the id of a command, a run or an event.
    #[arg(value_name = "RULE|ID")]
    pub(super) id: String,

    /// Why the rule did or did not run then: a time of day of the home, or a moment.
    #[arg(long, value_name = "T")]
    pub(super) at: Option<String>,

    /// As JSON; the fields are described in the README.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct HowArguments {
    /// As JSON; the fields are described in the README.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RuleArguments {
    /// The id of the rule.
    #[arg(value_name = "RULE")]
    rule: String,

    #[command(flatten)]
    pub(super) how: HowArguments,
}

impl RuleArguments {
    pub(super) fn rule(&self) -> RuleId {
        RuleId::new(self.rule.as_str())
    }
}

#[derive(Debug, Args)]
pub(super) struct PauseArguments {
    #[command(flatten)]
    pub(super) of: RuleArguments,

    /// Why, for those who see it later.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ShowCommand {
    /// One of them, with everything that is known of it.
    Show { id: String },
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    if (1.0..=1000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err("from 1 to 1000".to_owned())
    }
}
