//! What the parts of a rule look at: the one place that walks through all expressions of a rule.

use std::collections::BTreeSet;

use crate::domain::http::HeaderText;
use crate::rules::expr::program::{Checked, Read, Source};
use crate::rules::expr::scope::Root;
use crate::rules::expr::template::Template;
use crate::rules::expression::{Expression, Variable};
use crate::rules::operation::{
    Amount, Awaited, CommandOptions, HttpOperation, Json, Moment, Rounds,
};
use crate::rules::rule::{Condition, OperationKind, Program, Rule, Test, Trigger};
use crate::rules::trigger::Watched;

/// Names that a rule reads.
#[derive(Debug, Default)]
pub(super) struct Reads<'r> {
    pub(super) variables: BTreeSet<&'r str>,
    pub(super) inputs: BTreeSet<&'r str>,
}

impl<'r> Reads<'r> {
    pub(super) fn of(rule: &'r Rule) -> Self {
        let mut reads = Self::default();
        rule.settings.per.iter().for_each(|it| reads.expression(it));
        reads.variables(&rule.variables);
        reads.triggers(&rule.triggers);
        reads.conditions(&rule.conditions);
        reads.program(&rule.program);
        reads
    }

    fn expression(&mut self, expression: &'r Expression) {
        match expression {
            Expression::Literal(_) => {}
            Expression::Computed(checked) => self.checked(checked),
        }
    }

    fn checked(&mut self, checked: &'r Checked) {
        for read in checked.reads() {
            let source = match read {
                Read::Value { source, .. } | Read::Age { source } => source,
                Read::Series { input } => {
                    self.inputs.insert(input);
                    continue;
                }
                Read::Now => continue,
            };
            match source {
                Source::Input { name, .. } => {
                    self.inputs.insert(name);
                }
                Source::Field { root, name } if *root == Root::Vars => {
                    let variable = name.split_once('.').map_or(name.as_str(), |it| it.0);
                    self.variables.insert(variable);
                }
                Source::Field { .. } | Source::Attribute { .. } => {}
            }
        }
    }

    fn template(&mut self, template: &'r Template) {
        template.expressions().for_each(|it| self.checked(it));
    }

    fn variables(&mut self, variables: &'r [Variable]) {
        for variable in variables {
            self.expression(&variable.value);
        }
    }

    fn triggers(&mut self, triggers: &'r [Trigger]) {
        for trigger in triggers {
            self.trigger(trigger);
        }
    }

    fn trigger(&mut self, trigger: &'r Trigger) {
        self.variables(&trigger.variables);
        trigger.on.watched().iter().for_each(|it| self.watched(it));
        for inner in trigger.on.inner() {
            self.trigger(inner);
        }
    }

    fn watched(&mut self, watched: &'r Watched) {
        match watched {
            Watched::Input(name) => {
                self.inputs.insert(name.as_str());
            }
            Watched::Attribute { .. } => {}
        }
    }

    fn conditions(&mut self, conditions: &'r [Condition]) {
        for condition in conditions {
            match &condition.test {
                Test::Block(block) => self.conditions(&block.conditions),
                Test::Expression(checked) => self.checked(checked),
                Test::Input(test) => {
                    self.inputs.insert(test.input.as_str());
                }
                Test::Time(_)
                | Test::State(_)
                | Test::NumericState(_)
                | Test::Sun(_)
                | Test::Trigger(_)
                | Test::Command(_)
                | Test::Rule(_) => {}
            }
        }
    }

    fn program(&mut self, program: &'r Program) {
        use OperationKind as K;
        for operation in &program.operations {
            match &operation.kind {
                K::Command(order) => {
                    order.parameters.values().for_each(|it| self.amount(it));
                    self.options(&order.options);
                }
                K::Notify(notify) => {
                    notify.title.iter().for_each(|it| self.template(it));
                    self.template(&notify.message);
                }
                K::Log(log) => self.template(&log.text),
                K::Test(test) => self.conditions(&test.conditions),
                K::Repeat(repeat) => match &repeat.rounds {
                    Rounds::Count(value) | Rounds::ForEach(value) => self.expression(value),
                    Rounds::While(asked) | Rounds::Until(asked) => self.conditions(asked),
                },
                K::Variables { values } | K::Set { values } => self.variables(values),
                K::Setting(setting) => self.expression(&setting.value),
                K::Delay(delay) => self.expression(&delay.duration),
                K::Wait(wait) => match &wait.until {
                    Awaited::Triggers(triggers) => self.triggers(triggers),
                    Awaited::Conditions(block) => self.conditions(&block.conditions),
                },
                K::Parallel(parallel) => parallel.branches.iter().for_each(|it| self.program(it)),
                K::Stop(stop) => self.template(&stop.text),
                K::Http(http) => self.http(http),
                K::Jump { .. } | K::End | K::Fail | K::Cancel(_) | K::Read(_) | K::Rule(_) => {}
            }
        }
    }

    fn amount(&mut self, amount: &'r Amount) {
        match amount {
            Amount::Computed(value) => self.expression(value),
            Amount::Fixed(_) => {}
        }
    }

    fn http(&mut self, http: &'r HttpOperation) {
        self.template(&http.url);
        for header in http.headers.values() {
            match header {
                HeaderText::Text(text) => self.template(text),
                HeaderText::Secret { .. } => {}
            }
        }
        http.json.iter().for_each(|it| self.json(it));
    }

    fn json(&mut self, json: &'r Json) {
        match json {
            Json::Computed(value) => self.expression(value),
            Json::List(items) => items.iter().for_each(|it| self.json(it)),
            Json::Object(values) => values.values().for_each(|it| self.json(it)),
            Json::Fixed(_) => {}
        }
    }

    fn options(&mut self, options: &'r CommandOptions) {
        let moments = [&options.start, &options.end, &options.lease_until];
        for moment in moments.into_iter().flatten() {
            match moment {
                Moment::Computed(value) => self.expression(value),
                Moment::In(_) | Moment::At(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::names::Names;
    use crate::document::diagnostic::Findings;
    use crate::document::reader;
    use crate::document::source::SourceFile;
    use crate::rules::expr::kind::Kind;
    use crate::rules::expr::scope::{Field, Fields, Input, Scope};
    use crate::rules::expression;

    #[test]
    fn an_expression_reads_variables_and_inputs_wherever_they_stand_in_it() {
        let names = Names::default();
        let variables: Fields = ["night", "level", "answer.code"]
            .into_iter()
            .map(|name| (name.to_owned(), Field::from(Kind::PLAIN)))
            .collect();
        let mut scope = Scope::of_home(&names).with(Root::Vars, variables.clone());
        scope = scope.with(Root::State, variables);
        for name in ["price", "sun", "forecast"] {
            let input = Input {
                kind: Kind::PLAIN,
                conversion: None,
                max_age: None,
                has_series: true,
            };
            scope.inputs.insert(name.to_owned(), input);
        }
        let text = "\"{{ max(vars.night, input.price) if state.level > 1 or age(input.sun) > 5m \
                    else lowest(input.forecast, 2) + vars.answer.code }}\"";
        let source = SourceFile::new("rules/a.yaml", text);
        let mut findings = Findings::new(&source);
        let node = reader::read(&mut findings).unwrap();
        let computed = expression::compile(&node, &scope, &mut findings);
        assert_eq!(findings.diagnostics, []);
        let computed = computed.unwrap();
        let mut reads = Reads::default();
        reads.expression(&computed);
        assert_eq!(reads.variables, ["night", "answer"].into());
        assert_eq!(reads.inputs, ["price", "sun", "forecast"].into());
    }
}
