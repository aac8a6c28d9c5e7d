//! What a command step orders: its parameters as they are at that moment, within their bounds.

use std::collections::BTreeMap;

use crate::domain::catalogue::ParameterSpec;
use crate::domain::command::{Claim, Command, RetryPolicy};
use crate::domain::id::CommandId;
use crate::domain::unit::Unit;
use crate::domain::value::Quantity;
use crate::engine::facts::View;
use crate::engine::memory::demand;
use crate::engine::run::Run;
use crate::engine::timing;
use crate::rules::expr::kind::Measure;
use crate::rules::expr::value::Value;
use crate::rules::expression::Expression;
use crate::rules::operation::{Amount, Goal, OnConflict};
use crate::rules::rule::{CommandOperation, Settings};

/// The order that the run gives at its position, or why it cannot.
pub(super) fn command(
    run: &Run,
    order: &CommandOperation,
    view: View<'_>,
) -> Result<Command, String> {
    Ok(Command {
        id: CommandId::derive_in_round(&run.id, run.position, &run.memory.rounds()),
        device: order.device.clone(),
        name: order.command.clone(),
        parameters: parameters(order, view)?,
        retry: order.retry,
        rule: run.rule.clone(),
        run: run.id.clone(),
        whole: run.memory.whole.clone(),
        step: order.step.clone(),
        cause: view.scene.event.id.clone(),
        chain: run.chain.clone(),
        claim: claim(run, order, view),
        timing: match &run.memory.terms {
            Some(terms) => timing::left(terms.timing, view.scene)?,
            None => timing::of(&order.options, view)?,
        },
        tells_acceptance: order.options.wait_for == Goal::Accepted,
    })
}

/// The order of the step once more, after so many attempts.
pub(super) fn again(
    run: &Run,
    order: &CommandOperation,
    attempts: u32,
    view: View<'_>,
) -> Result<Command, String> {
    let mut rounds = run.memory.rounds();
    rounds.push(attempts);
    let first = command(run, order, view)?;
    Ok(Command {
        id: CommandId::derive_in_round(&run.id, run.position, &rounds),
        retry: RetryPolicy {
            attempts: first.retry.attempts.saturating_sub(attempts).max(1),
            ..first.retry
        },
        ..first
    })
}

fn claim(run: &Run, order: &CommandOperation, view: View<'_>) -> Claim {
    let rule = view.scene.rules.rule(&run.rule);
    Claim {
        priority: rule.map_or(Settings::PRIORITY_DEFAULT, |it| it.settings.priority),
        replaces: order.options.on_conflict == OnConflict::Replace,
    }
}

fn parameters(
    order: &CommandOperation,
    view: View<'_>,
) -> Result<BTreeMap<String, Quantity>, String> {
    let spec = order.device.device_type.command(&order.command);
    let mut parameters = BTreeMap::new();
    for (name, amount) in &order.parameters {
        let quantity = match amount {
            Amount::Fixed(quantity) => *quantity,
            Amount::Computed(expression) => {
                let Some(spec) = spec.and_then(|it| it.parameter(name)) else {
                    let command = &order.command;
                    return Err(format!("`{command}` has no `{name}` any more"));
                };
                let what = format!("`{name}` of `{}`", order.command);
                Quantity {
                    value: within(expression, &what, Bounds::of(spec), view)?,
                    unit: spec.unit,
                }
            }
        };
        parameters.insert(name.clone(), quantity);
    }
    Ok(parameters)
}

/// What a device takes; both bounds are allowed.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) unit: Unit,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Bounds {
    fn of(spec: &ParameterSpec) -> Self {
        Self {
            unit: spec.unit,
            min: spec.min,
            max: spec.max,
        }
    }
}

/// The number that the expression comes to, in the unit of `bounds`. What is unknown or out of them fails the step, with this reason.
pub(super) fn within(
    expression: &Expression,
    what: &str,
    bounds: Bounds,
    view: View<'_>,
) -> Result<f64, String> {
    let value = demand(expression, what, view)?;
    let unit = Measure::Unit(bounds.unit);
    let show = |value: f64| {
        let unit = unit.clone();
        view.shown(&Value::Quantity { value, unit })
    };
    Err(match value.in_unit(bounds.unit) {
        Some(number) if (bounds.min..=bounds.max).contains(&number) => return Ok(number),
        Some(number) => {
            let (least, most) = (show(bounds.min), show(bounds.max));
            format!(
                "{what} takes {least} to {most}, and this came to {}",
                show(number)
            )
        }
        None => {
            let unit = bounds.unit.symbol();
            format!(
                "{what} takes a number in {unit}, and this came to {}",
                view.shown(&value)
            )
        }
    })
}
