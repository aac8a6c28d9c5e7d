//! `http`: an address, and what is sent there.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::address;
use crate::config::secrets::is_secret_name;
use crate::document::code;
use crate::document::decode::{Fields, named, text, word, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::bounded;
use crate::document::node::{Entry, Kind, Node};
use crate::document::suggest::closest;
use crate::domain::command::RetryPolicy;
use crate::domain::http::{HeaderText, Method};
use crate::rules::catalog::blocks;
use crate::rules::catalog::bounds::{HEADER_CHARACTERS_MAX, HEADERS_MAX};
use crate::rules::catalog::choices::METHODS;
use crate::rules::check::{Scope, variable_name};
use crate::rules::expr::template::{self, Template};
use crate::rules::expression::{compile, is_computed};
use crate::rules::operation::{HttpOperation, Json};
use crate::rules::parse;
use crate::rules::parse::step::retry;

const SECOND: Duration = Duration::from_secs(1);
const HTTP_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
const HTTP_TIMEOUT_MAX: Duration = Duration::from_mins(1);
const JSON_DEPTH_MAX: usize = 32;

pub(super) fn http(
    node: &Node,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<HttpOperation> {
    let fields = Fields::of(node, &blocks::HTTP_BLOCK, findings)?;
    let url = fields
        .require("url", findings)
        .and_then(|it| allowed_url(it, scope, findings));
    let method = fields.maybe("method", findings, |it, findings| {
        word(it, "a method", METHODS, findings)
    });
    let headers = fields.maybe("headers", findings, |it, findings| {
        headers(it, scope, findings)
    });
    let json = fields.maybe("json", findings, |it, findings| {
        json(it, 0, scope, findings)
    });
    let timeout = fields.maybe("timeout", findings, |it, findings| {
        bounded(it, SECOND, HTTP_TIMEOUT_MAX, findings)
    });
    let retry = fields.maybe("retry", findings, retry);
    let save = fields.maybe("save", findings, |it, findings| {
        let written = parse::name(it, "the name of a variable", findings)?;
        variable_name(written, scope, findings).then(|| written.value.to_owned())
    });
    let is_asked_for = matches!(retry, Some(Some(_)));
    let method = method?.unwrap_or(Method::Get);
    if let (Method::Get, Some(entry)) = (method, fields.entry("json")) {
        findings
            .report(
                code::NO_EFFECT,
                entry.key.span,
                "a `GET` sends nothing along",
            )
            .help("write `method: POST`");
    }
    Some(HttpOperation {
        url: url?,
        method,
        headers: headers?.unwrap_or_default(),
        json: json?,
        timeout: timeout?.unwrap_or(HTTP_TIMEOUT_DEFAULT),
        retry: retry?.unwrap_or(RetryPolicy::DEFAULT),
        is_repeatable: method.is_idempotent() || is_asked_for,
        save: save?,
    })
}

/// An address whose host home.yaml names; what stands behind the host may be calculated.
fn allowed_url(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Template> {
    let (template, url) = match &node.kind {
        Kind::Text(text) if template::is_template(text) => {
            let checked = template::template(node, text, &scope.values, findings);
            (checked?, fixed_start(node, text, findings)?)
        }
        Kind::Null
        | Kind::Bool(_)
        | Kind::Number { .. }
        | Kind::Text(_)
        | Kind::List(_)
        | Kind::Map(_)
        | Kind::Secret(_) => {
            let url = address::web(node, findings)?;
            (Template::Plain(url.clone()), url)
        }
    };
    let host = address::authority_of(&url).to_ascii_lowercase();
    if scope.names.http_allow.contains(&host) {
        return Some(template);
    }
    let known = scope.names.http_allow.iter().map(String::as_str);
    let near = closest(&host, known);
    let host = shown(&host);
    let diagnostic = findings
        .report(
            code::HOST_NOT_ALLOWED,
            node.span,
            format!("rules may not call `{host}`"),
        )
        .did_you_mean(near);
    if near.is_none() {
        diagnostic.help(format!("add `{host}` to `http_allow:` in home.yaml"));
    }
    None
}

/// What stands before the first expression: at least the host, which must not depend on anything.
fn fixed_start(node: &Node, text: &str, findings: &mut Findings<'_>) -> Option<String> {
    let start = text.split("{{").next().unwrap_or_default();
    let has_host = start
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains(['/', '?', '#']));
    if !has_host {
        findings
            .report(
                code::BAD_ADDRESS,
                node.span,
                "the host of an address is written out, since home.yaml names the hosts that rules may call",
            )
            .help("write `{{ }}` only behind the host: `\"https://example.org/{{ … }}\"`");
        return None;
    }
    address::web_text(start, node.span, findings)
}

/// Set by whoever sends a request, or leading it elsewhere than to the host of its address.
const RESERVED_HEADERS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn headers(
    node: &Node,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<BTreeMap<String, HeaderText<Template>>> {
    let mark = findings.mark();
    let mut headers = BTreeMap::new();
    let entries = named(node, "lines `NAME: text`", findings);
    if entries.len() > HEADERS_MAX {
        let message = format!("at most {HEADERS_MAX} headers are allowed");
        findings.report(code::TOO_MANY, node.head(), message);
    }
    for (name, entry) in entries {
        header_name(name, entry, findings);
        let node = &entry.value;
        let value = if let Kind::Secret(secret) = &node.kind {
            header_secret(node, secret, scope, findings)
        } else {
            let text = text(
                node,
                "the text of a header",
                HEADER_CHARACTERS_MAX,
                findings,
            );
            let template =
                text.and_then(|it| template::template(node, it, &scope.values, findings));
            template.map(HeaderText::Text)
        };
        if let Some(value) = value {
            headers.insert(name.to_owned(), value);
        }
    }
    (!findings.has_errors_since(mark)).then_some(headers)
}

fn header_name(name: &str, entry: &Entry, findings: &mut Findings<'_>) {
    let is_name = name
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || it == b'-');
    if !is_name {
        let message = format!("`{}` cannot be the name of a header", shown(name));
        findings.report(code::BAD_NAME, entry.key.span, message);
    } else if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        let message = format!("the header `{name}` is not for rules to set");
        findings
            .report(code::BAD_NAME, entry.key.span, message)
            .help("leave it out: it follows from the address and the body");
    }
}

/// A secret that is the whole text of a header. Whether it is there is looked up when it is sent, so that rules
/// can be checked anywhere.
fn header_secret(
    node: &Node,
    secret: &str,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<HeaderText<Template>> {
    if !is_secret_name(secret) {
        findings
            .report(
                code::BAD_NAME,
                node.span,
                "the name of a secret has letters, digits, `_` and `-` only",
            )
            .help("write for example `!secret panel_token`");
        return None;
    }
    if scope.names.kept_secrets.contains(secret) {
        findings
            .report(
                code::UNUSABLE_SECRET,
                node.span,
                format!("home.yaml uses the secret `{secret}`, and rules may not send it anywhere"),
            )
            .help("give the host a secret of its own, as another line of secrets.yaml");
        return None;
    }
    let secret = secret.to_owned();
    Some(HeaderText::Secret { secret })
}

/// Any value, as it is sent.
fn json(node: &Node, depth: usize, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Json> {
    use serde_json::Value as V;
    if depth > JSON_DEPTH_MAX {
        findings.report(
            code::TOO_COMPLEX,
            node.head(),
            "the body is nested too deeply",
        );
        return None;
    }
    if is_computed(node) {
        return compile(node, &scope.values, findings).map(Json::Computed);
    }
    Some(Json::Fixed(match &node.kind {
        Kind::Null => V::Null,
        Kind::Bool(value) => V::Bool(*value),
        // `3` is sent as `3`, not as `3.0`.
        Kind::Number { value, text } => match text.parse::<i64>() {
            Ok(whole) => V::from(whole),
            Err(_) => V::from(*value),
        },
        Kind::Text(text) => V::String(text.clone()),
        Kind::List(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|it| json(it, depth + 1, scope, findings))
                .collect();
            return Some(Json::list(items.into_iter().collect::<Option<_>>()?));
        }
        Kind::Map(_) => {
            let mut object = BTreeMap::new();
            for (name, entry) in named(node, "lines `NAME: value`", findings) {
                let value = json(&entry.value, depth + 1, scope, findings)?;
                object.insert(name.to_owned(), value);
            }
            return Some(Json::object(object));
        }
        Kind::Secret(_) => {
            wrong_type(node, "a value that is no secret", findings);
            return None;
        }
    }))
}
