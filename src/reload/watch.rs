//! Tells when a file of the home was edited.

use std::path::{Path, PathBuf};
use std::time::Duration;

use file_watch::{Config, Event, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::config::HOME_FILE;
use crate::reload::Ask;

const RULES_DIR: &str = "rules";

/// How often files are looked at where the system does not tell of edits.
const POLL_EVERY: Duration = Duration::from_secs(2);

/// Watches a home for as long as it lives.
pub(super) struct Watch {
    watcher: Box<dyn Watcher + Send>,
    rules: PathBuf,
}

impl Watch {
    /// Sends [`Ask::Edited`] for each edit of `home.yaml` and below `rules/`; none if edits cannot be seen.
    pub(super) fn start(dir: &Path, asks: &mpsc::Sender<Ask>) -> Option<Self> {
        // Edits are told with the whole path of the file.
        let dir = &dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let told = Self::by_the_system(dir, asks);
        let watch = told.or_else(|error| {
            tracing::warn!(%error, "the system does not tell of edits; files are looked at every two seconds");
            Self::by_looking(dir, asks)
        });
        match watch {
            Ok(watch) => Some(watch),
            Err(error) => {
                tracing::warn!(%error, "edits of files are not seen; `amps-rules reload` takes them over");
                None
            }
        }
    }

    fn by_the_system(dir: &Path, asks: &mpsc::Sender<Ask>) -> file_watch::Result<Self> {
        let told = told(dir, asks.clone());
        let watcher = RecommendedWatcher::new(told, Config::default())?;
        Self::of(Box::new(watcher), dir)
    }

    fn by_looking(dir: &Path, asks: &mpsc::Sender<Ask>) -> file_watch::Result<Self> {
        let config = Config::default().with_poll_interval(POLL_EVERY);
        let watcher = PollWatcher::new(told(dir, asks.clone()), config)?;
        Self::of(Box::new(watcher), dir)
    }

    fn of(mut watcher: Box<dyn Watcher + Send>, dir: &Path) -> file_watch::Result<Self> {
        // Editors put a new file in the place of the old one: the folder is watched, not the file.
        watcher.watch(dir, RecursiveMode::NonRecursive)?;
        let rules = dir.join(RULES_DIR);
        let mut watch = Self { watcher, rules };
        watch.again();
        Ok(watch)
    }

    /// Watches the folder of the rules, which may have come or come back.
    pub(super) fn again(&mut self) {
        if let Err(error) = self.watcher.watch(&self.rules, RecursiveMode::Recursive) {
            tracing::debug!(%error, "the folder of the rules is not watched");
        }
    }
}

fn told(
    dir: &Path,
    asks: mpsc::Sender<Ask>,
) -> impl Fn(file_watch::Result<Event>) + Send + 'static {
    let home = dir.join(HOME_FILE);
    let rules = dir.join(RULES_DIR);
    move |event| {
        let concerns = match event {
            // Our own reading is one.
            Ok(event) if event.kind.is_access() => false,
            Ok(event) => {
                let is_ours = |it: &PathBuf| *it == home || it.starts_with(&rules);
                event.paths.iter().any(is_ours) || event.need_rescan()
            }
            // Something was missed.
            Err(_) => true,
        };
        if concerns {
            // When there is no room, somebody is being told already.
            drop(asks.try_send(Ask::Edited));
        }
    }
}
