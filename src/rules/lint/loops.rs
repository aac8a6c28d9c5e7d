//! A rule's order that wakes a rule, that leads back to the first.
//!
//! Between two rules there is what one orders and the other hears. Walking from order to order, and not from rule to
//! rule, costs little however many rules hear the same.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::document::code;
use crate::document::diagnostic::{Diagnostic, SHOWN_MAX};
use crate::document::source::SourceFile;
use crate::rules::lint::{Order, line, orders};
use crate::rules::rule::{CommandSource, Listener, On, Place, RuleSet, Topic};

/// How many orders are looked at before the rest of a home is left alone.
const EFFORT_MAX: usize = 500_000;

/// A command to a device, that some rule orders.
#[derive(Debug)]
struct Wire<'r> {
    device: &'r str,
    command: &'r str,
    /// The rules that it wakes, each with the trigger that hears it.
    heard_by: BTreeMap<usize, &'r Place>,
}

/// All orders and who hears them.
#[derive(Debug, Default)]
struct Wires<'r> {
    all: Vec<Wire<'r>>,
    /// What each rule orders, and where; each thing once.
    ordered: BTreeMap<usize, Vec<(usize, &'r Place)>>,
    /// What is ordered because of what, by the first rule that does so.
    leads_to: BTreeMap<usize, BTreeMap<usize, usize>>,
}

/// An order on a circle: whose, what, and where.
#[derive(Clone, Copy, Debug)]
struct Link<'r> {
    rule: usize,
    wire: usize,
    ordered_at: &'r Place,
}

/// One finding for each circle, at its first rule; conditions are not looked at, since what holds now may
/// hold again.
pub(super) fn loops(rules: &RuleSet, files: &[SourceFile]) -> Vec<Diagnostic> {
    let wires = Wires::of(rules);
    let mut effort_left = EFFORT_MAX;
    let mut told = BTreeSet::new();
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for start in wires.ordered.keys().copied() {
        if told.contains(&start) {
            continue;
        }
        let Some(circle) = wires.shortest_circle(start, &mut effort_left) else {
            continue;
        };
        told.extend(circle.iter().map(|it| it.rule));
        diagnostics.extend(describe(&circle, &wires, rules, files));
        if diagnostics.len() == SHOWN_MAX {
            if let Some(last) = diagnostics.last_mut() {
                last.note("there may be more circles of rules, which are not shown");
            }
            break;
        }
    }
    diagnostics
}

impl<'r> Wires<'r> {
    fn of(rules: &'r RuleSet) -> Self {
        let mut wires = Self::default();
        let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (index, rule) in rules.rules.iter().enumerate().filter(|(_, it)| it.enabled) {
            for order in orders(rule) {
                let key = (order.device.id.as_str(), order.command);
                let wire = *known.entry(key).or_insert_with(|| {
                    wires.all.push(Wire::of(&order, rules));
                    wires.all.len() - 1
                });
                let ordered = wires.ordered.entry(index).or_default();
                if ordered.iter().all(|(it, _)| *it != wire) {
                    ordered.push((wire, order.place));
                }
            }
        }
        for (index, wire) in wires.all.iter().enumerate() {
            for rule in wire.heard_by.keys() {
                let leads_to = wires.leads_to.entry(index).or_default();
                for (next, _) in wires.ordered.get(rule).into_iter().flatten() {
                    leads_to.entry(*next).or_insert(*rule);
                }
            }
        }
        wires.leave_dead_ends();
        wires
    }

    /// Takes away what leads nowhere or comes from nowhere, until only circles are left, and what is between them.
    fn leave_dead_ends(&mut self) {
        let mut comes_from: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (wire, next) in &self.leads_to {
            for next in next.keys() {
                comes_from.entry(*next).or_default().insert(*wire);
            }
        }
        self.leads_to.retain(|_, next| !next.is_empty());
        let is_end = |it: &usize| !(self.leads_to.contains_key(it) && comes_from.contains_key(it));
        let mut ends: Vec<usize> = (0..self.all.len()).filter(is_end).collect();
        while let Some(wire) = ends.pop() {
            for (next, _) in self.leads_to.remove(&wire).into_iter().flatten() {
                if let Some(before) = comes_from.get_mut(&next) {
                    before.remove(&wire);
                    ends.extend(before.is_empty().then_some(next));
                }
            }
            for before in comes_from.remove(&wire).into_iter().flatten() {
                if let Some(next) = self.leads_to.get_mut(&before) {
                    next.remove(&wire);
                    ends.extend(next.is_empty().then_some(before));
                }
            }
        }
    }

    /// The shortest way from `start` back to it, if there is one.
    fn shortest_circle(&self, start: usize, effort_left: &mut usize) -> Option<Vec<Link<'r>>> {
        let mut came_from: BTreeMap<usize, Option<usize>> = BTreeMap::new();
        let mut queue = VecDeque::new();
        let live = self.ordered[&start].iter();
        for (wire, _) in live.filter(|(it, _)| self.leads_to.contains_key(it)) {
            came_from.insert(*wire, None);
            queue.push_back(*wire);
        }
        while let Some(at) = queue.pop_front() {
            *effort_left = effort_left.checked_sub(1)?;
            if self.all[at].heard_by.contains_key(&start) {
                return Some(self.way(start, at, &came_from));
            }
            for next in self.leads_to.get(&at).into_iter().flat_map(BTreeMap::keys) {
                if let Entry::Vacant(unseen) = came_from.entry(*next) {
                    unseen.insert(Some(at));
                    queue.push_back(*next);
                }
            }
        }
        None
    }

    /// The orders from `start` on that end with `last`.
    fn way(
        &self,
        start: usize,
        last: usize,
        came_from: &BTreeMap<usize, Option<usize>>,
    ) -> Vec<Link<'r>> {
        let mut way = Vec::new();
        let mut wire = last;
        loop {
            let before = came_from[&wire];
            let rule = before.map_or(start, |it| self.leads_to[&it][&wire]);
            let ordered = self.ordered[&rule].iter().find(|(it, _)| *it == wire);
            way.extend(ordered.map(|(_, ordered_at)| Link {
                rule,
                wire,
                ordered_at,
            }));
            match before {
                Some(before) => wire = before,
                None => break,
            }
        }
        way.reverse();
        way
    }
}

impl<'r> Wire<'r> {
    fn of(order: &Order<'r>, rules: &'r RuleSet) -> Self {
        let key = Topic::Command(order.device.id.clone());
        let listeners: &[Listener] = rules.listeners.get(&key).map_or(&[], Vec::as_slice);
        let mut heard_by = BTreeMap::new();
        for listener in listeners {
            let trigger = &rules.rules[listener.rule].triggers[listener.trigger];
            let On::Command(on) = &trigger.on else {
                continue;
            };
            let hears = on.commands.is_empty() || on.commands.iter().any(|it| it == order.command);
            if hears && on.source != CommandSource::Foreign {
                heard_by.entry(listener.rule).or_insert(&trigger.place);
            }
        }
        Self {
            device: order.device.alias.as_str(),
            command: order.command,
            heard_by,
        }
    }
}

fn describe(
    circle: &[Link<'_>],
    wires: &Wires<'_>,
    rules: &RuleSet,
    files: &[SourceFile],
) -> Option<Diagnostic> {
    let start = circle.first()?;
    let first = &rules.rules[start.rule].id;
    let message = match circle {
        [_] => format!("the rule `{first}` wakes itself"),
        _ => format!("the rule `{first}` leads back to itself"),
    };
    let mut diagnostic = Diagnostic::new(code::LOOP, line(start.ordered_at, files)?, message);
    for (index, link) in circle.iter().enumerate() {
        let wire = &wires.all[link.wire];
        let woken = circle.get(index + 1).map_or(start.rule, |it| it.rule);
        let ordered = format!(
            "`{}` of {} wakes `{}`",
            wire.command, wire.device, rules.rules[woken].id
        );
        if index == 0 {
            diagnostic.label(ordered);
        } else {
            diagnostic.also(line(link.ordered_at, files)?, ordered);
        }
        diagnostic.also(line(wire.heard_by[&woken], files)?, "by this trigger");
    }
    diagnostic
        .note("each round sends commands to your devices, for as long as the conditions hold")
        .help(
            "let a trigger hear only what others order, with `source: foreign`, or add a condition \
             that stops the round",
        );
    Some(diagnostic)
}
