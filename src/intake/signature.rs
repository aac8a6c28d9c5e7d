//! The signature of a webhook: who sent it, and when (`webhooks.md` §2, §7).
//!
//! Signed is `{id}.{timestamp}.{raw body}` with HMAC-SHA256; the body is bytes and never decoded here.
//! Pure. Strict where libraries differ: a genuine sender never comes near those cases.
//! Whether the id was seen before is not checked; within the tolerance, a replay is correctly signed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::domain::id::EventId;
use crate::domain::secret::Secret;

/// How far the sender's clock may be from ours, in both directions, the bound included.
pub const TOLERANCE_SECONDS: u64 = 300;

/// Entries of a signature header that are looked at; what follows is ignored. Svix sends 11 at most (§3).
pub const SIGNATURE_ENTRIES_MAX: usize = 512;

/// Characters of a delivery id. Svix's own have 31.
pub const ID_CHARACTERS_MAX: usize = 256;

/// Names of the three headers, in both families. The plain one comes from white-labelled senders (§2).
const FAMILIES: [[&str; 3]; 2] = [
    ["svix-id", "svix-timestamp", "svix-signature"],
    ["webhook-id", "webhook-timestamp", "webhook-signature"],
];

/// What a signing secret decodes to. Wiped when dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

/// The secret is not what the dashboard hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is `whsec_` followed by padded base64, as the dashboard shows it")]
pub struct InvalidSecret;

/// Why a request was not taken for a webhook. The answer to the sender must not tell which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Neither family of headers is complete; an empty one counts as missing.
    #[error("a signature header is missing")]
    MissingHeader,
    #[error("a signature header is repeated")]
    DuplicateHeader,
    #[error("the delivery id has characters that no sender uses, or too many")]
    InvalidHeader,
    #[error("the timestamp is not a plain whole number")]
    InvalidTimestamp,
    #[error("the timestamp is too old")]
    TimestampTooOld,
    #[error("the timestamp is in the future")]
    TimestampTooNew,
    #[error("no signature fits")]
    NoMatchingSignature,
}

impl Key {
    pub fn parse(secret: &Secret) -> Result<Self, InvalidSecret> {
        let text = secret.expose();
        let text = text.strip_prefix("whsec_").unwrap_or(text);
        match STANDARD.decode(text) {
            // Anybody can sign with an empty key.
            Ok(bytes) if !bytes.is_empty() => Ok(Self(Zeroizing::new(bytes))),
            Ok(_) | Err(_) => Err(InvalidSecret),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The delivery id of a request that was signed with one of `keys` around `now`.
pub fn verify<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    body: &[u8],
    keys: &[Key],
    now: Timestamp,
) -> Result<EventId, Rejection> {
    let [id, timestamp, signatures] = signature_headers(headers)?;
    let id = delivery_id(id)?;
    let timestamp = attempt_second(timestamp)?;
    let now = now.as_second();
    if now.abs_diff(timestamp) > TOLERANCE_SECONDS {
        return Err(if timestamp < now {
            Rejection::TimestampTooOld
        } else {
            Rejection::TimestampTooNew
        });
    }
    let expected: Vec<String> = keys
        .iter()
        .map(|key| sign(key, id, timestamp, body))
        .collect();
    if any_matches(signatures, &expected) {
        Ok(EventId::new(id))
    } else {
        Err(Rejection::NoMatchingSignature)
    }
}

/// The entry of the signature header for an attempt to deliver `body` as `id`.
pub fn sign(key: &Key, id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{timestamp_seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Values of the three headers, all of the first family that is complete.
fn signature_headers<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<[&'a [u8]; 3], Rejection> {
    let mut found = [[Found::default(); 3]; 2];
    for (name, value) in headers {
        for (family, names) in found.iter_mut().zip(FAMILIES) {
            for (header, known) in family.iter_mut().zip(names) {
                if known.eq_ignore_ascii_case(name) {
                    header.add(value);
                }
            }
        }
    }
    let complete = found
        .into_iter()
        .find(|family| family.iter().all(|header| !header.value.is_empty()))
        .ok_or(Rejection::MissingHeader)?;
    if complete.iter().any(|header| header.times > 1) {
        return Err(Rejection::DuplicateHeader);
    }
    Ok(complete.map(|header| header.value))
}

#[derive(Clone, Copy, Default)]
struct Found<'a> {
    times: usize,
    /// The last value that is not empty.
    value: &'a [u8],
}

impl<'a> Found<'a> {
    fn add(&mut self, value: &'a [u8]) {
        self.times += 1;
        if !value.is_empty() {
            self.value = value;
        }
    }
}

fn delivery_id(value: &[u8]) -> Result<&str, Rejection> {
    // No dot may pass: it would shift the boundary between id, timestamp and body.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if value.len() > ID_CHARACTERS_MAX || !value.iter().all(plain) {
        return Err(Rejection::InvalidHeader);
    }
    std::str::from_utf8(value).map_err(|_| Rejection::InvalidHeader)
}

/// The one way to write a whole number: what was signed is then what was read.
fn attempt_second(value: &[u8]) -> Result<i64, Rejection> {
    let canonical = match value {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    std::str::from_utf8(value)
        .ok()
        .filter(|_| canonical)
        .and_then(|text| text.parse().ok())
        .ok_or(Rejection::InvalidTimestamp)
}

/// Looks at every entry and every key, whatever has matched already, so that time tells nothing.
/// The label is part of the text, so that entries of other schemes never fit.
fn any_matches(signatures: &[u8], expected: &[String]) -> bool {
    let mut matched = Choice::from(0);
    let entries = signatures.split(|byte| *byte == b' ');
    for entry in entries.take(SIGNATURE_ENTRIES_MAX) {
        for text in expected {
            matched |= entry.ct_eq(text.as_bytes());
        }
    }
    matched.into()
}
