//! Which generation of its API Amps speaks (`amps-api.md` §0): nobody can choose it, and every success shows it.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Generation {
    /// B: a success is a bare object.
    Flat,
    /// C, the newest: a success has an envelope.
    #[default]
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

    /// As it is kept.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Envelope => "envelope",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Flat, Self::Envelope]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

/// The generation that was seen last, now or in an earlier life of the program. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    last: Arc<Mutex<Option<Generation>>>,
}

impl Seen {
    /// None until one was seen.
    pub(crate) fn last(&self) -> Option<Generation> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was seen last; the newest until one was.
    pub(crate) fn presumed(&self) -> Generation {
        self.last().unwrap_or_default()
    }

    /// Returns the one before.
    pub(crate) fn set(&self, generation: Option<Generation>) -> Option<Generation> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *last, generation)
    }

    /// Takes note of the body of a success that was understood: what came from elsewhere shows nothing.
    pub(crate) fn note(&self, body: &[u8]) {
        let Some(generation) = Generation::of(body) else {
            return;
        };
        let before = self.set(Some(generation));
        if before.unwrap_or_default() != generation {
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
        assert_eq!(
            (other.last(), other.presumed()),
            (None, Generation::Envelope)
        );
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
            assert_eq!(other.last(), Some(expected), "{body}");
            assert_eq!(Generation::parse(expected.name()), Some(expected));
        }
    }
}
