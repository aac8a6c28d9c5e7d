//! Which generation of its API Amps speaks (`amps-api.md` §0): nobody can choose it, and every success shows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// B: a success is a bare object.
    Flat,
    /// C, the newest: a success has an envelope.
    Envelope,
}

impl Generation {
    /// Of the body of a success; none when it is no object. Errors are the same in both.
    fn of(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Shape {
            data: Option<IgnoredAny>,
        }
        let shape = serde_json::from_slice::<Shape>(body).ok()?;
        Some(match shape.data {
            Some(_) => Self::Envelope,
            None => Self::Flat,
        })
    }
}

/// The generation that was seen last; the newest until one was. Clones share it, and it is forgotten with the
/// program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    is_flat: Arc<AtomicBool>,
}

impl Seen {
    pub(crate) fn last(&self) -> Generation {
        if self.is_flat.load(Ordering::Relaxed) {
            Generation::Flat
        } else {
            Generation::Envelope
        }
    }

    /// Takes note of the body of a success that was understood: what came from elsewhere shows nothing.
    pub(crate) fn note(&self, body: &[u8]) {
        let Some(generation) = Generation::of(body) else {
            return;
        };
        let is_flat = generation == Generation::Flat;
        if self.is_flat.swap(is_flat, Ordering::Relaxed) != is_flat {
            tracing::info!(?generation, "Amps answers in another form than before");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_last_counts_and_is_shared() {
        let seen = Seen::default();
        let other = seen.clone();
        assert_eq!(other.last(), Generation::Envelope);
        for (body, expected) in [
            (r#"{"actionId": "act_1"}"#, Generation::Flat),
            ("[]", Generation::Flat),
            ("<html>", Generation::Flat),
            (
                r#"{"success": true, "data": {"id": "act_1"}, "meta": {}}"#,
                Generation::Envelope,
            ),
            (r#"{"items": []}"#, Generation::Flat),
        ] {
            seen.note(body.as_bytes());
            assert_eq!(other.last(), expected, "{body}");
        }
    }
}
