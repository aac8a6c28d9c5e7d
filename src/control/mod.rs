//! The engine's face to the command line on the same machine: HTTP over a Unix socket in `state/`, which
//! nobody but the owner of the home can open.

pub(crate) mod client;
pub(crate) mod server;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::id::{RuleId, RunId};
use crate::engine::trace::Trace;
use crate::reload::Reloaded;
use crate::store::dead_letters::Became;

/// The longest path that a Unix socket can have, in bytes: 108 with a zero at the end.
pub(crate) const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The largest body of a request.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024;

/// The longest reason that somebody can give.
pub(crate) const REASON_CHARACTERS_MAX: usize = 200;

/// Where the socket of the home in `dir` is.
pub(crate) fn socket_path(dir: &Path) -> PathBuf {
    dir.join("state").join("control.sock")
}

/// Whether a socket can have this path at all.
pub(crate) fn is_short_enough(path: &Path) -> bool {
    path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX
}

/// Something that a person asks of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To say that it is there.
    About,
    Reload,
    /// To say what a reload would change.
    Plan,
    Trigger(RuleId),
    Pause(RuleId, Option<String>),
    Resume(RuleId),
    StopAll,
    DeadLetter(DeadLetterBody),
}

/// What a wish came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "done", rename_all = "snake_case")]
pub(crate) enum Done {
    About(About),
    Reloaded(Reloaded),
    /// What the rule made of it.
    Triggered(Box<Triggered>),
    Paused(Paused),
    Resumed {
        rule: RuleId,
        /// It was paused before.
        was_paused: bool,
    },
    Stopped(Stopped),
    DeadLetter {
        id: String,
        #[serde(flatten)]
        became: Became,
    },
}

/// The running engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    /// Of the program.
    pub(crate) version: String,
    pub(crate) since: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Triggered {
    pub(crate) rule: RuleId,
    /// None when the rule did not run.
    pub(crate) run: Option<RunId>,
    pub(crate) traces: Vec<Trace>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Paused {
    pub(crate) rule: RuleId,
    /// Why: if it was paused already, that is as it was.
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stopped {
    /// All rules that are paused now.
    pub(crate) paused: Vec<RuleId>,
    /// Runs that were ended.
    pub(crate) ended: Vec<RunId>,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    /// A sentence for people.
    pub(crate) error: String,
    /// An id that may have been meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) did_you_mean: Option<String>,
    /// What is wrong with files, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) problems: String,
}

impl Refusal {
    pub(crate) fn new(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            did_you_mean: None,
            problems: String::new(),
        }
    }
}

/// What is to become of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadLetterBody {
    pub(crate) id: String,
    pub(crate) what: DeadLetterWish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeadLetterWish {
    Retry,
    Drop,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PauseBody {
    reason: Option<String>,
}

const ABOUT: &str = "/api/v1/about";
const RELOAD: &str = "/api/v1/reload";
const DEAD_LETTERS: &str = "/api/v1/dead-letters";
const PLAN: &str = "/api/v1/plan";
const STOP_ALL: &str = "/api/v1/stop-all";

/// The address of what is done to a rule. Ids are kebab-case and need no quoting; what is none leads nowhere.
fn address_of(rule: &RuleId, what: &str) -> String {
    format!("/api/v1/rules/{rule}/{what}")
}
