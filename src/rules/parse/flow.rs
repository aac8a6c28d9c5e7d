//! Steps that hold other steps, as written.

use crate::document::code;
use crate::document::decode::{Fields, boolean, whole_number, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::node::{Kind, Node};
use crate::rules::catalog::blocks;
use crate::rules::catalog::bounds::{
    BRANCHES_MAX, MESSAGE_CHARACTERS_MAX, ROUNDS_MAX, STEPS_MAX, WAYS_MAX,
};
use crate::rules::parse::step::step;
use crate::rules::parse::{conditions, items, lines, steps, template};
use crate::rules::syntax::{Rounds, Step, StepKind, Way};

/// How many rounds a rule gets that does not ask.
const ROUNDS_DEFAULT: u32 = 100;

/// What the step `name` holds; none of these words when it is another.
pub(super) fn flow<'n>(
    name: &str,
    fields: &Fields<'n>,
    findings: &mut Findings<'_>,
) -> Option<StepKind<'n>> {
    match name {
        "if" => Some(if_then(fields, findings)),
        "choose" => choose(fields, findings),
        "repeat" => repeat(fields.require("repeat", findings)?, findings),
        "variables" | "set" => {
            let node = fields.require(if name == "set" { "set" } else { "variables" }, findings)?;
            let lines = lines(node, findings);
            if lines.is_empty() && matches!(node.kind, Kind::Map(_)) {
                let message = format!("`{name}` is empty");
                findings.report(code::NOTHING_THERE, node.head(), message);
            }
            Some(if name == "set" {
                StepKind::Set(lines)
            } else {
                StepKind::Variables(lines)
            })
        }
        "stop" => stop(fields, findings),
        _ => parallel(fields, findings),
    }
}

fn if_then<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> StepKind<'n> {
    let way = Way {
        conditions: conditions(fields, "if", findings),
        steps: steps(fields, "then", findings),
    };
    StepKind::Choose {
        ways: vec![way],
        otherwise: some_steps(fields, "else", findings),
    }
}

fn choose<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<StepKind<'n>> {
    let entry = fields.entry("choose")?;
    let ways = items(&entry.value, entry.key.span, "choose", WAYS_MAX, findings)?;
    let ways = ways.iter().filter_map(|it| way(it, findings)).collect();
    Some(StepKind::Choose {
        ways,
        otherwise: some_steps(fields, "default", findings),
    })
}

fn way<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Way<'n>> {
    let fields = Fields::of(node, &blocks::CHOICE, findings)?;
    Some(Way {
        conditions: conditions(&fields, "conditions", findings),
        steps: steps(&fields, "sequence", findings),
    })
}

/// The steps below `key`, where it is there.
pub(super) fn some_steps<'n>(
    fields: &Fields<'n>,
    key: &'static str,
    findings: &mut Findings<'_>,
) -> Vec<Step<'n>> {
    match fields.get(key) {
        Some(_) => steps(fields, key, findings),
        None => Vec::new(),
    }
}

fn repeat<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<StepKind<'n>> {
    let fields = Fields::of(node, &blocks::REPEAT_BLOCK, findings)?;
    let max = fields.maybe("max", findings, |it, findings| {
        whole_number(it, 1, ROUNDS_MAX, findings)
    });
    let steps = steps(&fields, "sequence", findings);
    let kinds = ["count", "while", "until", "for_each"];
    let given: Vec<_> = kinds
        .into_iter()
        .filter_map(|it| fields.entry(it).map(|entry| (it, entry)))
        .collect();
    let [(kind, entry)] = given[..] else {
        let (span, message) = match given.get(1) {
            Some((kind, entry)) => (
                entry.key.span,
                format!("`{}` and `{kind}` cannot both say how often", given[0].0),
            ),
            None => (fields.head(), "`repeat` does not say how often".to_owned()),
        };
        findings
            .report(code::WHICH_ONE, span, message)
            .help("write one of `count:`, `while:`, `until:` and `for_each:`");
        return None;
    };
    let rounds = match kind {
        "while" => Rounds::While(conditions(&fields, "while", findings)),
        "until" => Rounds::Until(conditions(&fields, "until", findings)),
        "count" => Rounds::Count(&entry.value),
        _ => Rounds::ForEach(&entry.value),
    };
    Some(StepKind::Repeat {
        rounds,
        max: max?.unwrap_or(ROUNDS_DEFAULT),
        steps,
    })
}

fn stop<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<StepKind<'n>> {
    let text = fields
        .require("stop", findings)
        .and_then(|it| template(it, "a reason", MESSAGE_CHARACTERS_MAX, findings));
    let failed = fields.maybe("failed", findings, boolean);
    Some(StepKind::Stop {
        text: text?,
        failed: failed?.unwrap_or_default(),
    })
}

fn parallel<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<StepKind<'n>> {
    let entry = fields.entry("parallel")?;
    let branches = items(
        &entry.value,
        entry.key.span,
        "parallel",
        BRANCHES_MAX,
        findings,
    )?;
    let branches = branches.iter().map(|it| branch(it, findings)).collect();
    Some(StepKind::Parallel(branches))
}

/// One step, a list of steps, or `sequence:` with a list of steps.
fn branch<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Vec<Step<'n>> {
    if let Kind::Map(entries) = &node.kind
        && entries.iter().any(|it| it.key.as_key() == Some("sequence"))
    {
        let fields = Fields::of(node, &blocks::BRANCH, findings);
        return fields
            .map(|it| steps(&it, "sequence", findings))
            .unwrap_or_default();
    }
    let nodes = node.items();
    if nodes.is_empty() || nodes.len() > STEPS_MAX {
        wrong_type(node, "a step or a list of steps", findings);
        return Vec::new();
    }
    nodes.iter().filter_map(|it| step(it, findings)).collect()
}
