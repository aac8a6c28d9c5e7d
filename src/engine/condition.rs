//! May a run begin? Each condition answers yes, no or unknown, and says what it looked at.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::id::InputName;
use crate::engine::facts::{Known, View};
use crate::engine::memory::Memory;
use crate::engine::trace::{ConditionTrace, Truth};
use crate::engine::values::{check_input, check_number, check_state, look, look_input, name};
use crate::engine::{Scene, daytime, seen};
use crate::rules::condition::{Block, CommandState, CommandTest, Join, RuleTest};
use crate::rules::expr::eval::{Facts, age, eval};
use crate::rules::expr::kind::Kind;
use crate::rules::expr::program::{Checked, Read, Source};
use crate::rules::expr::value;
use crate::rules::rule::{Condition, IfUnknown, Subject, Test};

/// A question, what was found, and the answer.
pub(super) struct Examined {
    pub(super) asked: String,
    pub(super) found: String,
    pub(super) answer: Truth,
}

/// The most values that the trace of one expression names.
const FOUND_MAX: usize = 20;

pub(super) fn check(view: View<'_>, condition: &Condition) -> ConditionTrace {
    let Examined {
        asked,
        found,
        answer,
    } = examine(view, condition);
    let holds = match answer {
        Truth::True => true,
        Truth::False => false,
        Truth::Unknown => condition.if_unknown == IfUnknown::Allow,
    };
    ConditionTrace {
        place: condition.place.clone(),
        asked,
        found,
        answer,
        holds,
        values: seen::of_condition(view, condition),
    }
}

/// What a condition may be once those are answered that wait for it (`if_unknown: wait`).
struct Possible {
    yes: bool,
    no: bool,
}

/// Whether the rule waits for the answer of `condition`, which is unknown and does not hold: it says so itself,
/// or a condition inside of it does whose answer can make it hold.
pub(super) fn waits(view: View<'_>, condition: &Condition) -> bool {
    possible(view, condition).yes
}

fn possible(view: View<'_>, condition: &Condition) -> Possible {
    let (yes, no) = match (examine(view, condition).answer, condition.if_unknown) {
        (Truth::True, _) | (Truth::Unknown, IfUnknown::Allow) => (true, false),
        (Truth::False, _) => (false, true),
        (Truth::Unknown, IfUnknown::Wait) => (true, true),
        (Truth::Unknown, IfUnknown::Block) => match &condition.test {
            Test::Block(block) => return possible_of(view, block),
            Test::Time(_)
            | Test::State(_)
            | Test::NumericState(_)
            | Test::Trigger(_)
            | Test::Rule(_)
            | Test::Expression(_)
            | Test::Command(_)
            | Test::Sun(_)
            | Test::Input(_) => (false, false),
        },
    };
    Possible { yes, no }
}

fn possible_of(view: View<'_>, block: &Block) -> Possible {
    let parts = block.conditions.iter().filter(|it| it.enabled);
    let parts: Vec<Possible> = parts.map(|it| possible(view, it)).collect();
    let all_yes = parts.iter().all(|it| it.yes);
    let all_no = parts.iter().all(|it| it.no);
    let any_yes = parts.iter().any(|it| it.yes);
    let any_no = parts.iter().any(|it| it.no);
    let (yes, no) = match block.join {
        Join::And => (all_yes, any_no),
        Join::Or => (any_yes, all_no),
        Join::Not => (all_no, any_yes),
    };
    Possible { yes, no }
}

fn examine(view: View<'_>, condition: &Condition) -> Examined {
    let scene = view.scene;
    match &condition.test {
        Test::Time(test) => daytime::time(scene, test),
        Test::State(test) => check_state(scene, test),
        Test::NumericState(test) => check_number(scene, test),
        Test::Trigger(ids) => check_trigger(view.memory, ids),
        Test::Rule(test) => check_rule(view, test),
        Test::Block(block) => check_block(view, block),
        Test::Expression(checked) => check_expression(view, checked),
        Test::Command(test) => check_command(scene, test),
        Test::Sun(test) => daytime::sun(scene, test),
        Test::Input(test) => check_input(scene, test),
    }
}

fn check_trigger(memory: &Memory, ids: &[String]) -> Examined {
    let began = memory.trigger.as_ref();
    Examined {
        asked: format!("trigger is {}", ids.join(" or ")),
        found: began.map_or_else(|| "one without an id".to_owned(), Clone::clone),
        answer: Truth::from(began.is_some_and(|it| ids.contains(it))),
    }
}

fn check_rule(view: View<'_>, test: &RuleTest) -> Examined {
    let state = view.scene.state;
    let own = view.running.filter(|it| it.rule == test.rule);
    let (mut asked, mut found, mut holds) = (Vec::new(), Vec::new(), true);
    if let Some(wanted) = test.running {
        let runs = own.is_some() || state.runs_of(&test.rule).next().is_some();
        holds &= runs == wanted;
        asked.push(running(wanted).to_owned());
        found.push(running(runs).to_owned());
    }
    if let Some(within) = test.last_ran_within {
        let last = state.last_started(&test.rule, None);
        let last = last.max(own.map(|it| it.started_at));
        let (is_within, ago) = look_back(last, within, view.scene.now);
        holds &= is_within;
        asked.push(format!("last ran within {}", show(within)));
        found.push(ago.map_or_else(
            || "no run is known".to_owned(),
            |ago| format!("last ran {ago}"),
        ));
    }
    Examined {
        asked: format!("rule {} {}", test.rule, asked.join(" and ")),
        found: found.join(", "),
        answer: Truth::from(holds),
    }
}

fn running(runs: bool) -> &'static str {
    if runs { "is running" } else { "is not running" }
}

/// Whether `moment` is at most `within` ago, and how long ago it is, for the trace.
fn look_back(
    moment: Option<Timestamp>,
    within: Duration,
    now: Timestamp,
) -> (bool, Option<String>) {
    let ago = moment.map(|it| age(it, now));
    (
        ago.is_some_and(|it| it <= within),
        ago.map(|it| format!("{} ago", show(it))),
    )
}

/// What is not known of our own orders did not happen: the answer is never unknown.
fn check_command(scene: Scene<'_>, test: &CommandTest) -> Examined {
    let orders = scene.orders(&test.device.id);
    let command = test.command.as_deref();
    let last = orders.last(command);
    let recent = |word: &str, moment, within| {
        let (is_within, ago) = look_back(moment, within, scene.now);
        let found = match ago {
            Some(ago) => format!("the last one {word} {ago}"),
            None => format!("none that was {word} is known"),
        };
        (format!("{word} within {}", show(within)), found, is_within)
    };
    let n_open = orders.n_open(command);
    let open = match n_open {
        0 => "none is under way".to_owned(),
        1 => "one is under way".to_owned(),
        _ => format!("{n_open} are under way"),
    };
    let (state, found, holds) = match test.state {
        CommandState::Idle => ("idle".to_owned(), open, n_open == 0),
        CommandState::Pending => ("pending".to_owned(), open, n_open != 0),
        CommandState::CompletedWithin(within) => recent("completed", last.completed, within),
        CommandState::FailedWithin(within) => recent("failed", last.failed, within),
        CommandState::SentWithin(within) => recent("sent", last.given, within),
    };
    let device = &test.device.alias;
    let subject = match command {
        Some(command) => format!("our `{command}` to {device}"),
        None => format!("our orders to {device}"),
    };
    Examined {
        asked: format!("{subject}: {state}"),
        found,
        answer: Truth::from(holds),
    }
}

/// Kleene's tables: what is unknown stays unknown unless the rest decides.
fn check_block(view: View<'_>, block: &Block) -> Examined {
    let parts: Vec<Examined> = block
        .conditions
        .iter()
        .filter(|it| it.enabled)
        .map(|condition| {
            let examined = examine(view, condition);
            let is_allowed = condition.if_unknown == IfUnknown::Allow;
            match examined.answer {
                Truth::Unknown if is_allowed => Examined {
                    answer: Truth::True,
                    ..examined
                },
                Truth::True | Truth::False | Truth::Unknown => examined,
            }
        })
        .collect();
    let has = |truth: Truth| parts.iter().any(|it| it.answer == truth);
    // What decides a block, what it then is, and what it is when nothing is unknown.
    let (decisive, decided, otherwise) = match block.join {
        Join::And => (Truth::False, Truth::False, Truth::True),
        Join::Or if parts.is_empty() => (Truth::True, Truth::True, Truth::True),
        Join::Or => (Truth::True, Truth::True, Truth::False),
        Join::Not => (Truth::True, Truth::False, Truth::True),
    };
    let answer = if has(decisive) {
        decided
    } else if has(Truth::Unknown) {
        Truth::Unknown
    } else {
        otherwise
    };
    let name = match block.join {
        Join::And => "all of",
        Join::Or => "one of",
        Join::Not => "none of",
    };
    let joined = |text: fn(&Examined) -> &str| {
        let texts: Vec<&str> = parts.iter().map(text).collect();
        texts.join("; ")
    };
    Examined {
        asked: format!("{name} ({})", joined(|it| &it.asked)),
        found: format!("({})", joined(|it| &it.found)),
        answer,
    }
}

/// The answer of the expression.
fn check_expression(view: View<'_>, checked: &Checked) -> Examined {
    let answer = if let value::Value::Bool(truth) = eval(checked, &Known::of(view)) {
        Truth::from(truth)
    } else {
        Truth::Unknown
    };
    Examined {
        asked: checked.text.clone(),
        found: found(view, checked),
        answer,
    }
}

/// What the expression looks at, each value with its age, whether or not it decides.
pub(super) fn found(view: View<'_>, checked: &Checked) -> String {
    let known = Known::of(view);
    let mut found: Vec<String> = Vec::new();
    for read in checked.reads() {
        let seen = describe_read(view.scene, &known, read);
        if !found.contains(&seen) {
            found.push(seen);
        }
    }
    let n_more = found.len().saturating_sub(FOUND_MAX);
    found.truncate(FOUND_MAX);
    if n_more > 0 {
        found.push(format!("{n_more} more"));
    }
    if found.is_empty() {
        found.push("nothing to look at".to_owned());
    }
    found.join("; ")
}

fn describe_read(scene: Scene<'_>, known: &Known<'_>, read: Read<'_>) -> String {
    let any = Kind::Any;
    let (source, kind) = match read {
        Read::Now => {
            let now = scene.now.to_zoned(known.zone().clone());
            return format!("now {}", now.strftime("%a %H:%M:%S"));
        }
        Read::Series { input } => return format!("the series of input.{input}"),
        Read::Value { source, kind } => (source, kind),
        Read::Age { source } => (source, &any),
    };
    match source {
        Source::Attribute {
            device,
            attribute,
            max_age,
        } => {
            let subject = Subject {
                device: device.clone(),
                attribute: attribute.clone(),
                max_age: *max_age,
            };
            format!("{} {}", name(&subject), look(scene, &subject).1)
        }
        Source::Field { root, name } => {
            let value = known.field(*root, name).fit(kind);
            let value = value.show(kind.symbol(), known.zone());
            format!("{}.{name} {value}", root.name())
        }
        Source::Input { name, max_age } => {
            let max_age = max_age.unwrap_or(Duration::MAX);
            let found = look_input(scene, &InputName::new(name.as_str()), max_age).1;
            format!("input.{name} {found}")
        }
    }
}

pub(super) fn show(duration: Duration) -> String {
    let duration = SignedDuration::from_secs(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX));
    format!("{duration:#}")
}
