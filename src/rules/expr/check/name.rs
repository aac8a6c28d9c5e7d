//! Names, and where they lead.

use crate::document::code;
use crate::document::diagnostic::{Findings, shown};
use crate::document::source::Span;
use crate::document::suggest::closest;
use crate::domain::device::Device;
use crate::domain::id::{DeviceAlias, InputName};
use crate::rules::check::device;
use crate::rules::expr::functions;
use crate::rules::expr::kind::{Conversion, Kind};
use crate::rules::expr::program::{Source, Step};
use crate::rules::expr::scope::{Field, Input, Root, Scope};
use crate::rules::expr::tree::Word;
use crate::rules::syntax::Written;

use super::Checker;

/// The first word of the names of inputs.
pub(super) const INPUT: &str = "input";

/// Words of Home Assistant and Python that people write as names.
const FOREIGN: &[(&str, &str)] = &[
    ("True", "write `true`"),
    ("False", "write `false`"),
    (
        "None",
        "write `unknown`, or `known(x)` to ask whether there is a value",
    ),
    (
        "none",
        "write `unknown`, or `known(x)` to ask whether there is a value",
    ),
    (
        "null",
        "write `unknown`, or `known(x)` to ask whether there is a value",
    ),
    (
        "states",
        "write the device and its attribute: `house_battery.level`",
    ),
    (
        "this",
        "the rule itself has no values; what the trigger saw is in `trigger.…`",
    ),
];

/// Where a name leads.
pub(super) struct Meaning {
    pub(super) source: Source,
    pub(super) kind: Kind,
    conversion: Option<Conversion>,
}

/// The parts of a name, as they are asked for.
fn parts(words: &[Word]) -> Vec<&str> {
    words.iter().map(|it| it.text.as_str()).collect()
}

fn written(word: &Word) -> Written<&str> {
    Written {
        value: &word.text,
        span: word.span(),
    }
}

impl Checker<'_, '_, '_> {
    pub(super) fn name(&mut self, words: &[Word], span: Span) -> Option<Kind> {
        let meaning = self.resolve(words, span)?;
        let (kind, conversion) = (meaning.kind, meaning.conversion);
        let read = match conversion {
            // What is read is a bare number, and becomes a duration.
            Some(_) => Kind::PLAIN,
            None => kind.clone(),
        };
        self.steps.push(Step::Read {
            source: meaning.source,
            kind: read,
        });
        self.convert(conversion);
        Some(kind)
    }

    /// What a name stands for; what stands for nothing is reported.
    pub(super) fn resolve(&mut self, words: &[Word], span: Span) -> Option<Meaning> {
        let (first, rest) = words.split_first()?;
        let alias = DeviceAlias::new(first.text.as_str());
        let is_device = self.scope.names.devices.contains_key(&alias)
            || self.scope.names.broken_devices.contains(&alias);
        if first.text == INPUT && !rest.is_empty() {
            let (name, input) = self.input(rest, span)?;
            let source = Source::Input {
                name,
                max_age: input.max_age,
            };
            return Some(Meaning {
                source,
                kind: input.kind,
                conversion: input.conversion,
            });
        }
        if let Some(root) = Root::parse(&first.text).filter(|_| !rest.is_empty()) {
            return self.field(root, rest, span);
        }
        let is_variable = self.field_of(Root::Vars, words).is_some();
        if is_variable && (rest.is_empty() || !is_device) {
            return self.field(Root::Vars, words, span);
        }
        if is_device {
            return self.attribute(first, rest);
        }
        self.report_unknown(first, rest);
        None
    }

    fn attribute(&mut self, first: &Word, rest: &[Word]) -> Option<Meaning> {
        let device = device::named(written(first), self.scope.names, self.findings)?;
        let [attribute] = rest else {
            self.report_attribute_count(&device, first, rest);
            return None;
        };
        let attribute = device::attribute(written(attribute), &device, self.findings)?;
        let (kind, conversion) = Kind::of_attribute(attribute.kind);
        let source = Source::Attribute {
            device,
            attribute: attribute.name.to_owned(),
            max_age: self.scope.max_age,
        };
        Some(Meaning {
            source,
            kind,
            conversion,
        })
    }

    fn report_attribute_count(&mut self, device: &Device, first: &Word, rest: &[Word]) {
        let alias = &device.alias;
        let example = device.device_type.attributes().first().map(|it| it.name);
        let help = format!(
            "write one of its attributes: `{alias}.{}`",
            example.unwrap_or_default()
        );
        let (span, message) = match rest.get(1) {
            None => (
                first.span(),
                format!("`{alias}` is a device, and not a value"),
            ),
            Some(word) => (
                word.span(),
                format!("an attribute of `{alias}` has no parts"),
            ),
        };
        self.findings
            .report(code::UNKNOWN_NAME, span, message)
            .help(help);
    }

    /// The input that the words behind `input` name.
    pub(super) fn input(&mut self, rest: &[Word], span: Span) -> Option<(String, Input)> {
        let name = parts(rest).join(".");
        let input = self.scope.input(&name);
        if input.is_none() {
            self.report_input(&name, span);
        }
        Some((name, input?))
    }

    fn report_input(&mut self, name: &str, span: Span) {
        let shown_name = shown(name);
        let is_broken = self
            .scope
            .names
            .broken_inputs
            .contains(&InputName::new(name));
        if is_broken {
            let message = format!("the input `{shown_name}` cannot be used");
            self.findings
                .report(code::UNKNOWN_INPUT, span, message)
                .label("its entry in home.yaml has a mistake");
            return;
        }
        let near = closest(name, self.scope.input_names()).map(|it| format!("input.{it}"));
        let message = format!("unknown input `{shown_name}`");
        let diagnostic = self
            .findings
            .report(code::UNKNOWN_INPUT, span, message)
            .label("no input of this home has this name")
            .did_you_mean(near.as_deref());
        if near.is_none() {
            diagnostic.help("the inputs are listed in home.yaml under `inputs:`");
        }
    }

    /// The field that the words behind a root name, known or not yet known here.
    fn field_of(&self, root: Root, rest: &[Word]) -> Option<&Field> {
        let fields = self.scope.fields.get(&root)?;
        let words = parts(rest);
        let whole = fields.get(&words.join("."));
        // Behind a value of any type may stand the names of its parts.
        whole.or_else(|| {
            (1..words.len())
                .filter_map(|length| fields.get(&words[..length].join(".")))
                .find(|it| it.kind == Kind::Any)
        })
    }

    fn field(&mut self, root: Root, rest: &[Word], span: Span) -> Option<Meaning> {
        let name = parts(rest).join(".");
        match self.field_of(root, rest) {
            Some(field) if field.is_known(self.scope.at) => {
                let kind = field.kind.clone();
                if let Some((first, second)) = field.mixed.as_deref() {
                    let (first, second) = (first.phrase(), second.phrase());
                    let name = shown(&name);
                    self.mixed = Some(format!(
                        "the rule makes `{name}` {first} in one place and {second} in another; one name for each is clearer"
                    ));
                }
                Some(Meaning {
                    kind,
                    source: Source::Field { root, name },
                    conversion: None,
                })
            }
            Some(field) => {
                let comes_later = field.reach.iter().any(|it| self.scope.at < it.from);
                self.report_later(root, &name, comes_later, span);
                None
            }
            None => {
                self.report_field(root, &name, span);
                None
            }
        }
    }

    /// The name has a value elsewhere: further down, or in another branch.
    fn report_later(&mut self, root: Root, name: &str, comes_later: bool, span: Span) {
        let (name, help) = match root {
            Root::Vars => {
                let name = shown(name);
                let help = format!("say what `{name}` is before this place");
                (name, help)
            }
            Root::Trigger | Root::State | Root::Failure | Root::Wait | Root::Repeat => {
                let name = format!("{}.{}", root.name(), shown(name));
                (name, root.home().to_owned())
            }
        };
        let (message, help) = if comes_later {
            (format!("`{name}` has no value yet here"), help)
        } else {
            let help = "what a branch of `parallel:` finds out is known in that branch alone";
            (format!("`{name}` has no value here"), help.to_owned())
        };
        self.findings
            .report(code::UNKNOWN_NAME, span, message)
            .help(help);
    }

    /// No such name is there behind `root`.
    fn report_field(&mut self, root: Root, name: &str, span: Span) {
        let at = self.scope.at;
        let fields = self.scope.fields.get(&root);
        let known = fields.into_iter().flat_map(|it| it.iter());
        let known: Vec<&str> = known
            .filter(|(_, field)| field.is_known(at))
            .map(|(name, _)| name.as_str())
            .collect();
        let is_item = root == Root::Repeat && name == "item";
        if known.is_empty() && matches!(root, Root::Failure | Root::Wait | Root::Repeat) {
            let message = format!("`{}.…` is not known here", root.name());
            self.findings
                .report(code::UNKNOWN_NAME, span, message)
                .help(root.home());
            return;
        }
        let near = closest(name, known.iter().copied());
        let near = near.map(|it| format!("{}.{it}", root.name()));
        let message = format!("`{}` has no `{}` here", root.name(), shown(name));
        let diagnostic = self
            .findings
            .report(code::UNKNOWN_NAME, span, message)
            .did_you_mean(near.as_deref());
        if is_item {
            diagnostic.help("`repeat.item` is known inside `for_each:`");
        } else if known.is_empty() {
            diagnostic.help(root.home());
        } else {
            diagnostic.note(format!("known here: `{}`", known.join("`, `")));
        }
    }

    fn report_unknown(&mut self, first: &Word, rest: &[Word]) {
        let text = first.text.as_str();
        let foreign = FOREIGN.iter().find(|(word, _)| *word == text);
        if let Some((word, help)) = foreign {
            self.findings
                .report(
                    code::FOREIGN_WORD,
                    first.span(),
                    format!("`{word}` is a word of Home Assistant's templates"),
                )
                .help(*help);
            return;
        }
        if let Some(spec) = functions::find(text).filter(|_| rest.is_empty()) {
            self.findings
                .report(
                    code::UNKNOWN_NAME,
                    first.span(),
                    format!("`{text}` is a function, and stands here without its parentheses"),
                )
                .help(format!("write `{}`", spec.signature()));
            return;
        }
        report_nowhere(first, rest, self.scope, self.findings);
    }
}

/// The name leads nowhere: offers what is nearest to it.
fn report_nowhere(first: &Word, rest: &[Word], scope: &Scope<'_>, findings: &mut Findings<'_>) {
    let text = first.text.as_str();
    let roots = Root::ALL
        .into_iter()
        .filter(|it| scope.fields.contains_key(it));
    let roots = roots.map(Root::name).chain([INPUT]);
    let variables = scope
        .fields
        .get(&Root::Vars)
        .into_iter()
        .flat_map(|it| it.iter());
    let variables = variables.map(|(name, _)| name.as_str());
    let near = if rest.is_empty() {
        closest(text, variables)
    } else {
        closest(text, roots)
    };
    if near.is_none() && !rest.is_empty() {
        device::named(written(first), scope.names, findings);
        return;
    }
    let devices = scope.names.devices.keys().map(DeviceAlias::as_str);
    let device = closest(text, devices).filter(|_| near.is_none());
    let diagnostic = findings
        .report(
            code::UNKNOWN_NAME,
            first.span(),
            format!("unknown name `{}`", shown(text)),
        )
        .did_you_mean(near);
    match device {
        Some(device) => {
            diagnostic.help(format!(
                "`{device}` is a device: write one of its attributes, `{device}.…`"
            ));
        }
        None if near.is_none() => {
            diagnostic.help(
                "names are `device.attribute`, `input.NAME`, `trigger.…` and the rule's variables; text stands in quotes",
            );
        }
        None => {}
    }
}
