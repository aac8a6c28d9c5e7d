//! `notifiers:` of `home.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::address;
use crate::config::devices::check_name;
use crate::config::home::Notifier;
use crate::config::secrets::Secrets;
use crate::config::words;
use crate::document::code;
use crate::document::decode::{Fields, named, word};
use crate::document::diagnostic::Findings;
use crate::document::node::{Kind, Node};
use crate::domain::id::NotifierName;

/// The most notifiers of a home.
pub(super) const NOTIFIERS_MAX: usize = 100;

#[derive(Clone, Copy)]
pub(super) enum NotifierType {
    Ntfy,
    Webhook,
}

pub(super) const TYPES: &[(&str, NotifierType)] = &[
    ("ntfy", NotifierType::Ntfy),
    ("webhook", NotifierType::Webhook),
];

#[derive(Default)]
pub(super) struct Notifiers {
    pub(super) whole: BTreeMap<NotifierName, Notifier>,
    /// Also those with a mistake: rules may name them, and say nothing wrong.
    pub(super) names: BTreeSet<NotifierName>,
}

pub(super) fn decode(
    node: &Node,
    secrets: &mut Secrets<'_>,
    findings: &mut Findings<'_>,
) -> Notifiers {
    let mut notifiers = Notifiers::default();
    if node.kind == Kind::Null {
        return notifiers;
    }
    let entries = named(node, "lines `NAME: {type: …, url: …}`", findings);
    if entries.len() > NOTIFIERS_MAX {
        let message = format!(
            "the home has {} notifiers, and {NOTIFIERS_MAX} are allowed",
            entries.len()
        );
        findings.report(code::TOO_MANY, node.head(), message);
    }
    for (name, entry) in entries.into_iter().take(NOTIFIERS_MAX) {
        check_name(name, entry.key.span, "a notifier", findings);
        let name = NotifierName::new(name);
        notifiers.names.insert(name.clone());
        if let Some(notifier) = notifier(&entry.value, secrets, findings) {
            notifiers.whole.insert(name, notifier);
        }
    }
    notifiers
}

fn notifier(
    node: &Node,
    secrets: &mut Secrets<'_>,
    findings: &mut Findings<'_>,
) -> Option<Notifier> {
    let fields = Fields::of(node, &words::NOTIFIER, findings)?;
    let notifier_type = fields
        .require("type", findings)
        .and_then(|it| word(it, "a type of notifier", TYPES, findings));
    let url = fields.require("url", findings).and_then(|it| {
        let url = address::web(it, findings)?;
        let needs_topic = matches!(notifier_type, Some(NotifierType::Ntfy));
        if needs_topic && !has_topic(&url) {
            findings
                .report(
                    code::BAD_ADDRESS,
                    it.span,
                    "the address of an ntfy topic ends with the topic",
                )
                .help("write for example `https://ntfy.sh/rose-cottage-7f3`");
            return None;
        }
        Some(url)
    });
    let token = match fields.get("token") {
        Some(node) => Some(secrets.resolve(node, "the token", findings)?),
        None => None,
    };
    let url = url?;
    Some(match notifier_type? {
        NotifierType::Ntfy => Notifier::Ntfy { url, token },
        NotifierType::Webhook => Notifier::Webhook { url, token },
    })
}

fn has_topic(url: &str) -> bool {
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'));
    path.is_some_and(|(_, path)| {
        !path.is_empty() && !path.ends_with('/') && !path.contains(['?', '#'])
    })
}
