//! `hooks:` of `home.yaml`: who may post to `/hooks/NAME`.

use std::collections::BTreeMap;

use crate::config::decode::signing_secrets;
use crate::config::secrets::Secrets;
use crate::config::words;
use crate::document::code;
use crate::document::decode::{Fields, named};
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::{Kind, Node};
use crate::domain::secret::Secret;

/// The most hooks of a home.
pub(super) const HOOKS_MAX: usize = 200;
pub(super) const NAME_CHARACTERS_MAX: usize = 64;

/// The secrets of each hook, by its name.
pub(super) fn decode(
    node: &Node,
    secrets: &mut Secrets<'_>,
    findings: &mut Findings<'_>,
) -> BTreeMap<String, Vec<Secret>> {
    let mut hooks = BTreeMap::new();
    if node.kind == Kind::Null {
        return hooks;
    }
    let entries = named(node, "lines `NAME: {secrets: [!secret NAME]}`", findings);
    if entries.len() > HOOKS_MAX {
        let message = format!(
            "the home has {} hooks, and {HOOKS_MAX} are allowed",
            entries.len()
        );
        findings.report(code::TOO_MANY, node.head(), message);
    }
    for (name, entry) in entries.into_iter().take(HOOKS_MAX) {
        if !is_name(name) {
            let message = format!("`{}` cannot be the name of a hook", shown(name));
            findings
                .report(code::BAD_NAME, entry.key.span, message)
                .help("it becomes a part of an address: use small letters, digits, `-` and `_`");
        }
        let fields = Fields::of(&entry.value, &words::HOOK, findings);
        let node = fields.and_then(|it| it.require("secrets", findings));
        let usable = node.and_then(|it| signing_secrets(it, secrets, findings));
        hooks.insert(name.to_owned(), usable.unwrap_or_default());
    }
    hooks
}

fn is_name(name: &str) -> bool {
    let allowed = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-_".contains(&it);
    name.bytes().all(allowed) && (1..=NAME_CHARACTERS_MAX).contains(&name.len())
}
