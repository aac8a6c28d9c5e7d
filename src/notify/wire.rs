//! The bodies of messages.

use serde::Serialize;

use crate::domain::secret::Secret;
use crate::notify::Message;
use crate::rules::rule::Level;

/// The longest message that ntfy shows; it makes a file of a longer one.
const NTFY_MESSAGE_BYTES_MAX: usize = 4096;

/// ntfy bounds message and title together, escaped, at twice that; more than this is no title anyway.
const NTFY_TITLE_BYTES_MAX: usize = 256;

#[derive(Serialize)]
struct Ntfy<'a> {
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    message: &'a str,
    priority: u8,
}

#[derive(Serialize)]
struct Webhook<'a> {
    id: &'a str,
    title: Option<&'a str>,
    message: &'a str,
    level: Level,
}

/// Published as JSON to the server and not as text to the topic, whose title would be a header, and a header
/// cannot have every character.
pub(super) fn ntfy(topic: &Secret, message: &Message) -> Vec<u8> {
    let title = message.title.as_deref();
    to_json(&Ntfy {
        topic: topic.expose(),
        title: title.map(|it| beginning(it, NTFY_TITLE_BYTES_MAX)),
        message: beginning(&message.message, NTFY_MESSAGE_BYTES_MAX),
        priority: priority(message.level),
    })
}

pub(super) fn webhook(message: &Message) -> Vec<u8> {
    to_json(&Webhook {
        id: message.id.as_str(),
        title: message.title.as_deref(),
        message: &message.message,
        level: message.level,
    })
}

/// From 1 to 5, where 3 is the usual; above it, phones push themselves to the front.
fn priority(level: Level) -> u8 {
    match level {
        Level::Info => 3,
        Level::Warning => 4,
        Level::Error => 5,
    }
}

/// As many whole characters of `text` as fit into `bytes_max`.
fn beginning(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("texts and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_bound_and_never_within_a_character() {
        for (text, expected) in [
            ("abcd", "abcd"),
            ("abcde", "abcd"),
            ("abcé", "abc"),
            ("", ""),
        ] {
            assert_eq!(beginning(text, 4), expected);
        }
    }
}
