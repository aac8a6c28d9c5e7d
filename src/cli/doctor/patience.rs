//! Command steps that wait for less time than their devices were seen to take.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::check::count;
use crate::cli::doctor::{Finding, Patient};
use crate::document::duration::display;
use crate::domain::device::Device;
use crate::domain::id::{DeviceId, RuleId};
use crate::engine::trace::place;
use crate::rules::operation::Goal;
use crate::rules::rule::{CommandOperation, Operation, OperationKind, Rule};
use crate::store::view::{Observed, Unreadable, View};

/// Fewer orders tell nothing.
const ORDERS_MIN: usize = 5;

/// Advice on each step whose `timeout` is shorter than what 95 % of the last orders to its device took.
pub(super) fn findings(patient: &Patient<'_>, view: &View) -> Result<Vec<Finding>, Unreadable> {
    let mut known: BTreeMap<DeviceId, Observed> = BTreeMap::new();
    let mut findings = Vec::new();
    for (id, standing) in &patient.standing.rules {
        let Some(rule) = standing.rule.as_ref().filter(|it| it.enabled) else {
            continue;
        };
        for (operation, order, timeout) in patient_steps(rule) {
            let device = &order.device;
            let observed = match known.get(&device.id) {
                Some(observed) => *observed,
                None => view.observed(&device.id)?,
            };
            known.insert(device.id.clone(), observed);
            findings.extend(finding(id, (operation, order), timeout, observed));
        }
    }
    Ok(findings)
}

/// The command steps of the rule that wait for so long and no longer.
fn patient_steps(rule: &Rule) -> impl Iterator<Item = (&Operation, &CommandOperation, Duration)> {
    let operations = rule.program.every_operation().into_iter();
    operations.filter_map(|operation| match &operation.kind {
        OperationKind::Command(order) => Some((operation, order, order.options.timeout?)),
        OperationKind::Notify(_)
        | OperationKind::Log(_)
        | OperationKind::Test(_)
        | OperationKind::Jump { .. }
        | OperationKind::Repeat(_)
        | OperationKind::Variables { .. }
        | OperationKind::Set { .. }
        | OperationKind::Stop(_)
        | OperationKind::End
        | OperationKind::Fail
        | OperationKind::Setting(_)
        | OperationKind::Cancel(_)
        | OperationKind::Read(_)
        | OperationKind::Http(_)
        | OperationKind::Delay(_)
        | OperationKind::Wait(_)
        | OperationKind::Parallel(_)
        | OperationKind::Rule(_) => None,
    })
}

fn finding(
    rule: &RuleId,
    (operation, order): (&Operation, &CommandOperation),
    timeout: Duration,
    observed: Observed,
) -> Option<Finding> {
    let (spread, what) = match order.options.wait_for {
        Goal::Completed => (observed.completion, "were over"),
        Goal::Accepted => (observed.acknowledge, "were taken by Amps"),
        Goal::Nothing => return None,
    };
    let took = spread.p95.filter(|took| timeout < *took)?;
    if spread.orders < ORDERS_MIN {
        return None;
    }
    let (place, timeout) = (place(&operation.place), display(timeout));
    let Device { alias, .. } = &order.device;
    let (orders, seen) = (count(spread.orders, "order"), display(took));
    let text = format!(
        "{rule} ({place}) waits {timeout} for `{}` on {alias} (`timeout:`); 95 % of the last {orders} to it {what} within {seen}",
        order.command
    );
    // Twice as long leaves room for a slow day.
    let enough = Duration::from_secs(took.saturating_mul(2).as_secs() + 1);
    let remedy = format!(
        "write `timeout: {}` or more there, or leave it out",
        display(enough)
    );
    Some(Finding::warning("timeout", text, remedy))
}
