//! Rules, an event and a moment to a decision, through the pure engine alone.

use std::collections::BTreeMap;
use std::convert::Infallible;

use amps_rules::config::home::Location;
use amps_rules::config::names::Names;
use amps_rules::document::diagnostic::Diagnostic;
use amps_rules::document::source::SourceFile;
use amps_rules::domain::device::{Device, DeviceType};
use amps_rules::domain::event::{Event, Payload, Readings, Report, Settled, Source};
use amps_rules::domain::id::{
    ActionId, CommandId, DeviceAlias, DeviceId, EventId, NotifierName, RuleId, RunId,
};
use amps_rules::domain::lifecycle::{Failure, Outcome};
use amps_rules::domain::value::{Origin, Value};
use amps_rules::engine::decision::Decision;
use amps_rules::engine::state::State;
use amps_rules::engine::trace::Verdict;
use amps_rules::engine::{self, Input, Left};
use amps_rules::rules;
use amps_rules::rules::rule::RuleSet;
use jiff::{SignedDuration, Timestamp};

/// Who gets a device, what a home allows, and what is stopped: with what the traces say.
mod arbitration;
/// Windows of the day, numbers, ages, expressions.
mod conditions;
/// What a run does when a step of it fails.
mod failures;
/// Ways, loops and branches: what a run does besides ordering and telling.
mod flow;
/// What a home knows of its own orders and of when its rules ran.
mod orders;
/// Runs that wait for their orders.
mod runs;
/// Conditions that ask for the sun.
mod sun;
/// What a trace holds of what was looked at.
mod traces;
/// Values in a run.
mod values;
/// What wakes a rule.
mod wakes;

/// An evening in winter: 22:30 in London.
const NOW: &str = "2026-01-10T22:30:00Z";

/// An engine with its memory, and a clock that is wound by hand.
struct Engine {
    rules: RuleSet,
    state: State,
    now: Timestamp,
    events: u32,
}

/// All that comes of `input` at once, in one piece.
fn taken(rules: &RuleSet, state: &mut State, input: Input<'_>, now: Timestamp) -> Decision {
    let mut all = Decision::default();
    let Ok(left) = engine::take(rules, state, input, now, |_, decision| {
        all.changes.extend(decision.changes.iter().cloned());
        all.commands.extend(decision.commands.iter().cloned());
        all.withdrawn.extend(decision.withdrawn.iter().cloned());
        let notifications = decision.notifications.iter().cloned();
        all.notifications.extend(notifications);
        all.traces.extend(decision.traces.iter().cloned());
        all.reads.extend(decision.reads.iter().cloned());
        Ok::<(), Infallible>(())
    });
    assert_eq!(left, Left(0));
    all
}

impl Engine {
    fn with(rules: &str) -> Self {
        let device = |alias: &str, device_type, id: &str| {
            let alias = DeviceAlias::new(alias);
            (
                alias.clone(),
                Device {
                    alias,
                    device_type,
                    id: DeviceId::new(id),
                },
            )
        };
        let names = Names {
            devices: BTreeMap::from([
                device("house_battery", DeviceType::Battery, "dev_b"),
                device("car_charger", DeviceType::EvCharger, "dev_c"),
            ]),
            notifiers: [NotifierName::new("phone")].into(),
            timezone: Some(jiff::tz::TimeZone::get("Europe/London").unwrap()),
            location: Some(Location {
                latitude: 51.45,
                longitude: -2.59,
            }),
            ..Names::default()
        };
        let loaded = rules::load(&[SourceFile::new("rules/test.yaml", rules)], &names);
        // Advice is none of the engine's business.
        let mut errors = loaded.diagnostics;
        errors.retain(Diagnostic::is_error);
        assert_eq!(errors, []);
        Self {
            rules: loaded.rules,
            state: State::default(),
            now: NOW.parse().unwrap(),
            events: 0,
        }
    }

    /// Shows `payload` to the engine; what comes of it, a line each. No device that is asked answers.
    fn sees(&mut self, payload: Payload, own: bool) -> Vec<String> {
        let (mut lines, asked) = self.sees_alone(payload, own);
        for device in asked {
            let (of_silence, asked_again) = self.sees_alone(Payload::NotRead { device }, false);
            assert_eq!(asked_again, [], "a silent device is left alone");
            lines.extend(of_silence);
        }
        lines
    }

    /// The same, and which devices are asked for their values, which say nothing yet.
    fn sees_alone(&mut self, payload: Payload, own: bool) -> (Vec<String>, Vec<DeviceId>) {
        // What is asked has no number of its own: runs are named by what woke them.
        let is_answer = matches!(payload, Payload::NotRead { .. });
        self.events += u32::from(!is_answer);
        let id = if is_answer {
            EventId::new("silence")
        } else {
            EventId::new(format!("msg_{}", self.events))
        };
        let event = Event {
            id,
            source: Source::Webhook,
            received_at: self.now,
            payload,
        };
        let chain = [RuleId::new("somebody")];
        let own = own.then_some(&chain[..]);
        let input = Input {
            event: &event,
            own,
            settled: None,
        };
        let mut before = self.state.clone();
        let decision = taken(&self.rules, &mut self.state, input, self.now);
        assert_eq!(
            decision,
            taken(&self.rules, &mut before, input, self.now),
            "the same again"
        );
        let asked = decision.reads.iter().map(|it| it.device.clone()).collect();
        (told(&decision), asked)
    }

    fn battery(&mut self, command: &str, outcome: Outcome) -> Vec<String> {
        self.sees(report(command, outcome), false)
    }

    fn reads(&mut self, attribute: &str, value: Value, origin: Origin) {
        let readings = Readings {
            device: DeviceId::new("dev_b"),
            taken_at: self.now,
            origin,
            values: BTreeMap::from([(attribute.to_owned(), value)]),
        };
        assert_eq!(self.sees(Payload::Readings(readings), false), [""; 0]);
    }

    fn pass(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
    }

    /// A report has ended `command`.
    fn settles(&mut self, command: &CommandId, outcome: Outcome, attempts: u32) -> Vec<String> {
        let report = EventId::new("msg_report");
        self.ends(command, outcome, attempts, Some(report))
    }

    /// The command that the operation at `position` of the run gave, in these rounds of its loops.
    fn settles_in_round(
        &mut self,
        position: usize,
        rounds: &[u32],
        outcome: Outcome,
    ) -> Vec<String> {
        let run = RunId::derive(
            &RuleId::new("r"),
            &EventId::new("msg_1"),
            NOW.parse().unwrap(),
        );
        let command = CommandId::derive_in_round(&run, position, rounds);
        self.settles(&command, outcome, 1)
    }

    /// `command` is over, and no report has told of it.
    fn ends_unreported(&mut self, command: &CommandId, outcome: Outcome) -> Vec<String> {
        self.ends(command, outcome, 1, None)
    }

    fn ends(
        &mut self,
        command: &CommandId,
        outcome: Outcome,
        attempts: u32,
        cause: Option<EventId>,
    ) -> Vec<String> {
        let settled = Settled {
            command: command.clone(),
            device: DeviceId::new("dev_c"),
            name: "charge".to_owned(),
            outcome,
            attempts,
            cause,
        };
        self.sees(Payload::Settled(settled), true)
    }
}

/// What a decision tells, a line each.
fn told(decision: &Decision) -> Vec<String> {
    let traces = decision.traces.iter().map(|trace| match &trace.verdict {
        Verdict::NotTriggered { because } => format!("{}: {because}", trace.rule),
        Verdict::ConditionNotMet => {
            let last = trace.conditions.last().unwrap();
            format!("{}: {}, found {}", trace.rule, last.asked, last.found)
        }
        Verdict::Ended { end } => {
            format!(
                "{}: {} {}",
                trace.rule,
                end.name(),
                end.reason().unwrap_or_default()
            )
        }
        verdict @ (Verdict::Started
        | Verdict::WentOn
        | Verdict::Waits { .. }
        | Verdict::Noted
        | Verdict::TooMany { .. }
        | Verdict::Paused { .. }
        | Verdict::CoolingDown { .. }
        | Verdict::AlreadyCalled { .. }
        | Verdict::AlreadyRunning { .. }) => {
            format!("{}: {}", trace.rule, verdict.name())
        }
    });
    let commands = decision.commands.iter().map(|it| {
        let parameters = it.parameters.iter();
        let parameters = parameters.map(|(name, value)| format!(" {name}={value}"));
        let parameters: String = parameters.collect();
        format!("{} {}{parameters}", it.device.alias, it.name)
    });
    let messages = decision
        .notifications
        .iter()
        .map(|it| format!("{}: {}", it.notifier, it.message));
    traces
        .chain(commands)
        .chain(messages)
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn report(command: &str, outcome: Outcome) -> Payload {
    Payload::Report(Report {
        action: ActionId::new("act_1"),
        device: DeviceId::new("dev_b"),
        device_type: Some(DeviceType::Battery),
        command: Some(command.to_owned()),
        outcome,
        ended_at: None,
    })
}

fn failed(code: &str) -> Outcome {
    Outcome::Failed(Failure::new(Some(code), "no answer"))
}

/// The command of the first run of `rule`, started by the first event.
fn first_command(rule: &str) -> CommandId {
    first_command_at(rule, 0)
}

/// The same, of the step at `position`.
fn first_command_at(rule: &str, position: usize) -> CommandId {
    use amps_rules::domain::id::{RuleId, RunId};
    CommandId::derive(
        &RunId::derive(
            &RuleId::new(rule),
            &EventId::new("msg_1"),
            NOW.parse().unwrap(),
        ),
        position,
    )
}

/// One rule, `r`, with these triggers and conditions, that tells the phone.
fn telling(rest: &str) -> String {
    format!("version: 1\nrules:\n  - id: r\n{rest}    actions: {{notify: phone, message: hello}}\n")
}

const ON_CHARGED: &str =
    "    triggers: {trigger: command, device: house_battery, command: charge}\n";
