//! Where secrets come from. Nothing here puts one into a message.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::environment::{Environment, variable};
use crate::config::keyring::{KeptSecrets, Keyring};
use crate::config::{SECRETS_FILE, files};
use crate::document::code;
use crate::document::decode::named;
use crate::document::diagnostic::{Diagnostic, Findings, shown};
use crate::document::node::{Kind, Node};
use crate::document::reader;
use crate::document::source::{SourceFile, Span};
use crate::document::suggest;
use crate::domain::secret::Secret;

/// The longest secret; keys and tokens are far shorter.
const SECRET_BYTES_MAX: usize = 4096;

/// The sources of secrets in the order in which they are asked.
pub(super) struct Secrets<'e> {
    environment: &'e Environment,
    file: BTreeMap<String, Secret>,
    /// Those that were asked for by `home.yaml`.
    used: KeptSecrets,
}

impl<'e> Secrets<'e> {
    /// Reads `secrets.yaml` if there is one; it comes back for the places of its diagnostics.
    pub(super) fn open(
        dir: &Path,
        environment: &'e Environment,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Self, Option<SourceFile>) {
        let mut secrets = Self {
            environment,
            file: BTreeMap::new(),
            used: KeptSecrets::default(),
        };
        let path = dir.join(SECRETS_FILE);
        let source = match guarded(&path) {
            Ok(source) => source,
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return (secrets, None);
            }
            Err(refusal) => {
                diagnostics.push(refusal.diagnostic(&path));
                return (secrets, None);
            }
        };
        let mut findings = Findings::new(&source);
        if let Some(node) = reader::read(&mut findings) {
            secrets.file = entries(&node, &mut findings);
        }
        diagnostics.extend(findings.in_order());
        (secrets, Some(source))
    }

    /// The secret that `node` names with `!secret NAME`.
    pub(super) fn resolve(
        &mut self,
        node: &Node,
        what: &str,
        findings: &mut Findings<'_>,
    ) -> Option<Secret> {
        let Kind::Secret(name) = &node.kind else {
            report_plain(node, what, findings);
            return None;
        };
        if !is_secret_name(name) {
            findings
                .report(
                    code::BAD_NAME,
                    node.span,
                    "the name of a secret has letters, digits, `_` and `-` only",
                )
                .help("write for example `!secret amps_api_key`");
            return None;
        }
        self.used.insert(name);
        let found = self.look_up(name);
        if found.is_none() {
            let near = suggest::closest(name, self.file.keys().map(String::as_str));
            findings
                .report(
                    code::UNKNOWN_SECRET,
                    node.span,
                    format!("the secret `{}` is not found", shown(name)),
                )
                .did_you_mean(near)
                .help(format!(
                    "add a line `{name}: …` to {SECRETS_FILE}, or set the environment variable {}",
                    variable(name)
                ));
        }
        found.filter(|secret| is_sendable(secret, name, node, findings))
    }

    /// The secret `name`, if it can stand in a header.
    pub(super) fn find(&self, name: &str) -> Option<Secret> {
        self.look_up(name).filter(|it| complaint(it).is_none())
    }

    /// Those that were asked for.
    pub(super) fn used(&self) -> KeptSecrets {
        self.used.clone()
    }

    /// What rules may ask for, once `home.yaml` was read.
    pub(super) fn keyring(&self, dir: &Path) -> Keyring {
        Keyring::new(dir.to_owned(), self.environment.clone(), self.used.clone())
    }

    fn look_up(&self, name: &str) -> Option<Secret> {
        let of_process = self.environment.secret(name).cloned();
        of_process
            .or_else(|| self.credential(name))
            .or_else(|| self.file.get(name).cloned())
    }

    /// A file that systemd made; its last line may end as lines do.
    fn credential(&self, name: &str) -> Option<Secret> {
        let path = self.environment.credentials()?.join(name);
        let source = files::read(&path, name).ok()?;
        let is_text = source.defect.is_none();
        let text = source.text.strip_suffix('\n').unwrap_or(&source.text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        is_text.then(|| Secret::new(text))
    }
}

/// What is wrong with a secret that cannot stand in a header: one line of visible characters can.
fn complaint(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    if text.is_empty() {
        Some("is empty")
    } else if text.len() > SECRET_BYTES_MAX {
        Some("is longer than any key")
    } else if text.trim() != text {
        Some("begins or ends with a space or line break")
    } else if !text.bytes().all(|it| it.is_ascii_graphic() || it == b' ') {
        Some("holds characters that no key has")
    } else {
        None
    }
}

fn is_sendable(secret: &Secret, name: &str, node: &Node, findings: &mut Findings<'_>) -> bool {
    let Some(complaint) = complaint(secret) else {
        return true;
    };
    let message = format!("the secret `{name}` {complaint}");
    findings.report(code::UNUSABLE_SECRET, node.span, message);
    false
}

/// Says whether webhooks can be verified with `secret`: optional `whsec_`, then strict base64.
pub(super) fn is_signing_secret(secret: &Secret, node: &Node, findings: &mut Findings<'_>) -> bool {
    let text = secret.expose();
    let encoded = text.strip_prefix("whsec_").unwrap_or(text);
    let complaint = match STANDARD.decode(encoded) {
        Ok(key) if key.is_empty() => "it is empty behind `whsec_`",
        Ok(_) => return true,
        Err(_) => "it is not base64",
    };
    findings
        .report(
            code::UNUSABLE_SECRET,
            node.span,
            format!("the secret cannot verify webhooks: {complaint}"),
        )
        .help("copy the whole signing secret again; it begins with `whsec_`");
    false
}

fn report_plain(node: &Node, what: &str, findings: &mut Findings<'_>) {
    let span = node.head();
    match &node.kind {
        Kind::Null => {
            findings
                .report(code::WRONG_TYPE, span, format!("{what} is not given"))
                .help("write `!secret NAME`");
        }
        Kind::Bool(_) | Kind::Number { .. } | Kind::Text(_) => {
            findings
                .report(
                    code::PLAIN_SECRET,
                    span,
                    format!("{what} stands in home.yaml, where secrets must not be"),
                )
                .help(format!(
                    "write `!secret NAME` here and the line `NAME: …` into {SECRETS_FILE}"
                ))
                .note("whoever has seen it should not have it: consider a new one");
        }
        Kind::List(_) | Kind::Map(_) | Kind::Secret(_) => {
            let found = node.kind.name();
            findings.report(
                code::WRONG_TYPE,
                span,
                format!("expected {what} as `!secret NAME`, found {found}"),
            );
        }
    }
}

/// Whether `name` can be the name of a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let allowed = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(allowed)
}

/// Why `secrets.yaml` was not read.
enum Refusal {
    Io(io::Error),
    OpenToOthers { mode: u32 },
}

impl Refusal {
    fn diagnostic(&self, path: &Path) -> Diagnostic {
        let mode = match self {
            Self::Io(error) => return files::unreadable(SECRETS_FILE, error),
            Self::OpenToOthers { mode } => mode,
        };
        let place = SourceFile::new(SECRETS_FILE, "").location(Span::START);
        let message = format!(
            "{SECRETS_FILE} is not read: its mode is {mode:04o}, and must be 0600 or stricter"
        );
        let mut diagnostic = Diagnostic::new(code::FILE_MODE, place, message);
        diagnostic.help(format!("run `chmod 600 {}`", path.display()));
        diagnostic
    }
}

/// The file, if its mode lets nobody else see it. The open file is asked, so that no other can
/// take its place in between.
fn guarded(path: &Path) -> Result<SourceFile, Refusal> {
    let file = File::open(path).map_err(Refusal::Io)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = file.metadata().map_err(Refusal::Io)?.mode() & 0o7777;
        if mode & 0o177 != 0 {
            return Err(Refusal::OpenToOthers { mode });
        }
    }
    let mut source = files::read_open(file, SECRETS_FILE).map_err(Refusal::Io)?;
    source.is_withheld = true;
    Ok(source)
}

fn entries(node: &Node, findings: &mut Findings<'_>) -> BTreeMap<String, Secret> {
    let mut secrets = BTreeMap::new();
    for (name, entry) in named(node, "lines `NAME: secret`", findings) {
        // The version of the file; every other name is a secret's.
        if name == "version" {
            super::decode::version(&entry.value, findings);
            continue;
        }
        match &entry.value.kind {
            Kind::Text(text) | Kind::Number { text, .. } => {
                secrets.insert(name.to_owned(), Secret::new(text.as_str()));
            }
            Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Map(_) | Kind::Secret(_) => {
                let found = entry.value.kind.name();
                findings.report(
                    code::WRONG_TYPE,
                    entry.key.span,
                    format!("the secret of this line is {found}, and must be text"),
                );
            }
        }
    }
    secrets
}

/// Whether lines of this `home.yaml` could show a secret that somebody wrote into it.
///
/// Works on the text, since it is asked most when the text is no YAML.
pub(super) fn may_show(text: &str) -> bool {
    const KEYS: [&str; 5] = ["api_key", "secrets", "secret", "token", "password"];
    let mut below_key = false;
    let has_password = |line: &str| {
        let address = line.split_once("://");
        address.is_some_and(|(_, rest)| rest.contains('@'))
    };
    text.contains("whsec_")
        || text.lines().any(has_password)
        || text.lines().any(|line| {
            let line = line.split(" #").next().unwrap_or(line);
            let named = KEYS.iter().find_map(|key| {
                let (_, rest) = line.split_once(key)?;
                rest.trim_start_matches(['"', '\'', ' ']).strip_prefix(':')
            });
            let values = match named {
                Some(values) => values,
                None if below_key && line.trim_start().starts_with('-') => line,
                None => {
                    below_key = false;
                    return false;
                }
            };
            below_key = named.is_none_or(|it| it.trim().is_empty());
            values.split(',').any(|value| {
                let value = value.trim_matches([' ', '[', ']', '{', '}', '-']);
                !value.is_empty() && !value.starts_with("!secret") && !value.contains(':')
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_name_secrets_may_be_shown_and_lines_that_hold_them_may_not() {
        for (text, expected) in [
            ("amps:\n  api_key: !secret amps_api_key\n", false),
            ("intake:\n  secrets: [!secret a, !secret b]\n", false),
            ("intake:\n  secrets:\n    - !secret a\n", false),
            ("p: {type: ntfy, token: !secret t, url: x}\n", false),
            ("amps:\n  api_key: sk_live_1\n", true),
            ("amps: {api_key: sk_live_1}\n", true),
            ("intake:\n  secrets:\n    - abc\n", true),
            ("intake:\n  secrets: [!secret a, abc]\n", true),
            ("anything whsec_abc\n", true),
            ("url: https://me:pass@example.com/\n", true),
        ] {
            assert_eq!(may_show(text), expected, "{text}");
        }
    }
}
