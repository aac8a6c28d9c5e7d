//! Addresses on the net, as far as a home names them.

use std::net::{IpAddr, SocketAddr};

use crate::document::code;
use crate::document::decode::text;
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::Node;
use crate::document::source::Span;

pub(crate) const ADDRESS_CHARACTERS_MAX: usize = 2000;

/// The address of the API, without a trailing slash: `https`, or `http` to this very machine.
pub(super) fn base_url(node: &Node, findings: &mut Findings<'_>) -> Option<String> {
    let url = web(node, findings)?;
    let host = host_of(&url);
    if url.starts_with("http://") && !is_loopback(host) {
        let message = format!(
            "`http://` would send the API key to `{}` for everybody to read",
            shown(host)
        );
        findings
            .report(code::BAD_ADDRESS, node.span, message)
            .help("write `https://`; plain `http://` is for `localhost` only");
        return None;
    }
    if url.contains(['?', '#']) {
        findings.report(
            code::BAD_ADDRESS,
            node.span,
            "the address of the API can have no `?` and no `#`",
        );
        return None;
    }
    Some(url.trim_end_matches('/').to_owned())
}

/// An `http` or `https` address with a host and no password in it.
pub(crate) fn web(node: &Node, findings: &mut Findings<'_>) -> Option<String> {
    let url = text(node, "an address", ADDRESS_CHARACTERS_MAX, findings)?;
    web_text(url, node.span, findings)
}

/// Like [`web`], of the text that stands at `span`.
pub(crate) fn web_text(url: &str, span: Span, findings: &mut Findings<'_>) -> Option<String> {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let is_web = lower.starts_with("https://") || lower.starts_with("http://");
    let is_clean = url.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let complaint = if !is_web {
        "an address begins with `https://` or `http://`"
    } else if !is_clean {
        "an address holds no spaces"
    } else if authority_of(url).contains('@') {
        "a user name or password cannot stand in an address"
    } else if !is_host(host_of(url)) || !is_port(port_of(url)) {
        "the address names no host, or no host that can exist"
    } else {
        let scheme = url.find("://").expect("it begins with a scheme");
        return Some(url[..scheme].to_ascii_lowercase() + &url[scheme..]);
    };
    findings
        .report(code::BAD_ADDRESS, span, complaint)
        .help("write for example `https://api.amps.ai`");
    None
}

/// Where to listen: an IP address and a port.
pub(super) fn listen(node: &Node, findings: &mut Findings<'_>) -> Option<SocketAddr> {
    let text = text(
        node,
        "an address to listen on",
        ADDRESS_CHARACTERS_MAX,
        findings,
    )?;
    let with_numbers = text.replace("localhost", "127.0.0.1");
    let address = with_numbers.parse().ok();
    if address.is_none() {
        findings
            .report(
                code::BAD_ADDRESS,
                node.span,
                format!("`{}` is not an IP address with a port", shown(text)),
            )
            .help("write for example `127.0.0.1:8787`, or `0.0.0.0:8787` for every network");
    }
    address
}

pub(crate) fn authority_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest)
}

/// Without brackets and port.
pub(super) fn host_of(url: &str) -> &str {
    let authority = authority_of(url);
    match authority
        .strip_prefix('[')
        .and_then(|it| it.split_once(']'))
    {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or(authority),
    }
}

pub(super) fn port_of(url: &str) -> Option<&str> {
    let authority = authority_of(url);
    let after_host = match authority.split_once(']') {
        Some((_, rest)) => rest,
        None => authority,
    };
    after_host.split_once(':').map(|(_, port)| port)
}

pub(super) fn is_port(port: Option<&str>) -> bool {
    port.is_none_or(|it| it.parse::<u16>().is_ok_and(|port| port > 0))
}

pub(super) fn is_host(host: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.chars().all(is_name))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|it: IpAddr| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_found() {
        for (url, host, port) in [
            ("https://api.amps.ai", "api.amps.ai", None),
            ("http://localhost:9/x?y", "localhost", Some("9")),
            ("http://[::1]:80/", "::1", Some("80")),
            (
                "http://127.0.0.1.example.com",
                "127.0.0.1.example.com",
                None,
            ),
        ] {
            assert_eq!((host_of(url), port_of(url)), (host, port), "{url}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (host, expected) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("127.0.0.1.example.com", false),
            ("localhost.example.com", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
