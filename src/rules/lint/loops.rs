//! A rule's order that wakes a rule, that leads back to the first.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::document::code;
use crate::document::diagnostic::Diagnostic;
use crate::document::source::SourceFile;
use crate::domain::id::DeviceId;
use crate::rules::lint::{line, orders};
use crate::rules::rule::{CommandSource, Listener, On, Place, Rule, RuleSet, Topic};

/// An order of one rule that can wake another (or the same).
#[derive(Clone, Debug)]
struct Edge<'r> {
    to: usize,
    command: &'r str,
    device: &'r str,
    ordered_at: &'r Place,
    wakes_at: &'r Place,
}

/// One finding for each circle, at its first rule; conditions are not looked at, since what holds now may
/// hold again.
pub(super) fn loops(rules: &RuleSet, files: &[SourceFile]) -> Vec<Diagnostic> {
    let edges: Vec<Vec<Edge<'_>>> = rules
        .rules
        .iter()
        .map(|rule| edges_of(rule, rules))
        .collect();
    let mut told = BTreeSet::new();
    let mut diagnostics = Vec::new();
    for start in 0..rules.rules.len() {
        if told.contains(&start) || edges[start].is_empty() {
            continue;
        }
        let Some(circle) = shortest_circle(start, &edges) else {
            continue;
        };
        told.extend(circle.iter().map(|edge| edge.to));
        diagnostics.extend(describe(start, &circle, rules, files));
    }
    diagnostics
}

fn edges_of<'r>(rule: &'r Rule, rules: &'r RuleSet) -> Vec<Edge<'r>> {
    if !rule.enabled {
        return Vec::new();
    }
    let mut edges = Vec::new();
    for order in orders(rule) {
        for listener in listeners(rules, &order.device.id) {
            let trigger = &rules.rules[listener.rule].triggers[listener.trigger];
            let On::Command(on) = &trigger.on else {
                continue;
            };
            let hears = on.commands.is_empty() || on.commands.iter().any(|it| it == order.command);
            if hears && on.source != CommandSource::Foreign {
                edges.push(Edge {
                    to: listener.rule,
                    command: order.command,
                    device: order.device.alias.as_str(),
                    ordered_at: order.place,
                    wakes_at: &trigger.place,
                });
            }
        }
    }
    edges
}

fn listeners<'r>(rules: &'r RuleSet, device: &DeviceId) -> &'r [Listener] {
    rules
        .listeners
        .get(&Topic::Command(device.clone()))
        .map_or(&[], Vec::as_slice)
}

/// The shortest way from `start` back to it, if there is one.
fn shortest_circle<'e, 'r>(start: usize, edges: &'e [Vec<Edge<'r>>]) -> Option<Vec<&'e Edge<'r>>> {
    let mut came_by: BTreeMap<usize, (usize, &Edge<'r>)> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for edge in &edges[at] {
            if edge.to == start {
                return Some(way(start, at, edge, &came_by));
            }
            if let Entry::Vacant(unseen) = came_by.entry(edge.to) {
                unseen.insert((at, edge));
                queue.push_back(edge.to);
            }
        }
    }
    None
}

fn way<'e, 'r>(
    start: usize,
    mut at: usize,
    last: &'e Edge<'r>,
    came_by: &BTreeMap<usize, (usize, &'e Edge<'r>)>,
) -> Vec<&'e Edge<'r>> {
    let mut way = vec![last];
    while at != start {
        let (from, edge) = came_by[&at];
        way.push(edge);
        at = from;
    }
    way.reverse();
    way
}

fn describe(
    start: usize,
    circle: &[&Edge<'_>],
    rules: &RuleSet,
    files: &[SourceFile],
) -> Option<Diagnostic> {
    let first = &rules.rules[start].id;
    let message = match circle {
        [_] => format!("the rule `{first}` wakes itself"),
        _ => format!("the rule `{first}` leads back to itself"),
    };
    let mut diagnostic = Diagnostic::new(code::LOOP, line(circle[0].ordered_at, files)?, message);
    for (index, edge) in circle.iter().enumerate() {
        let woken = &rules.rules[edge.to].id;
        let ordered = format!("`{}` of {} wakes `{woken}`", edge.command, edge.device);
        if index == 0 {
            diagnostic.label(ordered);
        } else {
            diagnostic.also(line(edge.ordered_at, files)?, ordered);
        }
        diagnostic.also(line(edge.wakes_at, files)?, "by this trigger");
    }
    diagnostic
        .note("each round sends commands to your devices, for as long as the conditions hold")
        .help(
            "let a trigger hear only what others order, with `source: foreign`, or add a condition \
             that stops the round",
        );
    Some(diagnostic)
}
