//! Edited rules take the place of those in force, while the engine runs: all files are read and checked,
//! and what came of them is handed to the engine as one event.
//!
//! A rule that is broken stays as it was. The names of devices and all else that `home.yaml` says are those
//! of the start.

mod files;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch as channel};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, later};
use crate::config::home::Home;
use crate::domain::event::{EngineChange, Event, Payload, Source};
use crate::domain::id::{EventId, RuleId};
use crate::evaluation::Offer;
use crate::rules::BrokenRule;
use crate::rules::difference::{Difference, versions};
use crate::rules::rule::{Place, Rule, RuleSet};
use crate::store::error::Error;
use crate::store::{self, Store, inbox};
use crate::worker::{self, Next, Stage};

use files::{HomeIsBroken, Read};
use watch::Watch;

/// How long files have to lie still before they are read: editors write in several steps.
const STILL_FOR: Duration = Duration::from_millis(500);

/// Files that never lie still are read after this time.
const STILL_WITHIN: Duration = Duration::from_secs(5);

/// How long it waits before it tries again what the database would not take.
const FAILED_WAIT: Duration = Duration::from_secs(10);

/// Askers that may wait; one more is turned away.
const ASKS_WAITING_MAX: usize = 16;

/// Why the rules are to be read again.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A file was edited.
    Edited,
    /// A person wants it, and waits for what came of it.
    Now(oneshot::Sender<Answer>),
}

pub(crate) type Answer = Result<Reloaded, Refused>;

/// What a reload changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    #[serde(flatten)]
    pub(crate) difference: Difference,
    pub(crate) broken: Vec<Broken>,
    /// What is wrong with them, for people.
    pub(crate) problems: String,
    /// Keys of `home.yaml` that say something else now and take effect at the next start.
    pub(crate) restart_for: Vec<String>,
}

impl Reloaded {
    fn of(in_force: &RuleSet, read: &Read) -> Self {
        Self {
            difference: Difference::between(&versions(in_force), &read.rules),
            broken: read.broken.clone(),
            problems: read.problems.clone(),
            restart_for: read.waiting.clone(),
        }
    }
}

/// A rule whose text is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Broken {
    /// None when the text does not even say that.
    pub(crate) rule: Option<RuleId>,
    pub(crate) file: String,
    pub(crate) line: usize,
    /// It goes on as it was when it was last right; otherwise it stays out.
    pub(crate) stays: bool,
}

/// Why nothing was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// `home.yaml` is broken. Why, for people.
    Home(String),
    /// The database could not be written, or the engine could not go on with the new rules.
    Failed(String),
    /// Too many ask.
    Busy,
}

/// For those who want the rules read again, or to know which are in force.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    /// As it was at the start.
    home: Arc<Home>,
    asks: mpsc::Sender<Ask>,
    in_force: channel::Receiver<Arc<RuleSet>>,
}

impl Handle {
    /// Reads the rules again, now.
    pub(crate) async fn reload(&self) -> Answer {
        let (reply, answer) = oneshot::channel();
        if self.asks.try_send(Ask::Now(reply)).is_err() {
            return Err(Refused::Busy);
        }
        let ended = || Refused::Failed("the engine is stopping".to_owned());
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// What a reload would change now.
    pub(crate) async fn plan(&self) -> Answer {
        let (home, in_force) = (Arc::clone(&self.home), self.rules());
        let known = Arc::clone(&in_force);
        let read = tokio::task::spawn_blocking(move || files::read(&home, &known)).await;
        let read = read.map_err(|error| Refused::Failed(error.to_string()))?;
        match read {
            Ok(read) => Ok(Reloaded::of(&in_force, &read)),
            Err(HomeIsBroken { problems, .. }) => Err(Refused::Home(problems)),
        }
    }

    pub(crate) fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.in_force.borrow())
    }
}

/// The stage that reads rules again.
pub(crate) struct Reloader {
    home: Arc<Home>,
    store: Store,
    clock: Clock,
    offers: channel::Sender<Option<Offer>>,
    in_force: channel::Sender<Arc<RuleSet>>,
    asks: mpsc::Receiver<Ask>,
    /// Told to by the watch; also keeps the channel open.
    edits: mpsc::Sender<Ask>,
    waiting: Waiting,
    /// Of the files as they were read last; none before the first time.
    digest: Option<u64>,
}

/// What has been asked for and is not done.
#[derive(Debug, Default)]
struct Waiting {
    people: Vec<oneshot::Sender<Answer>>,
    /// When the first and the last edit was seen, by the time that nobody sets.
    edited: Option<(Timestamp, Timestamp)>,
}

impl Reloader {
    /// For `home` as it is at the start, with `rules` in force.
    pub(crate) fn new(
        home: &Home,
        rules: Arc<RuleSet>,
        offers: channel::Sender<Option<Offer>>,
        store: Store,
        clock: Clock,
    ) -> (Self, Handle) {
        let (edits, asks) = mpsc::channel(ASKS_WAITING_MAX);
        let (sender, in_force) = channel::channel(rules);
        let home = Arc::new(home.clone());
        let handle = Handle {
            home: Arc::clone(&home),
            asks: edits.clone(),
            in_force,
        };
        let reloader = Self {
            home,
            store,
            clock,
            offers,
            in_force: sender,
            asks,
            edits,
            waiting: Waiting::default(),
            digest: None,
        };
        (reloader, handle)
    }
}

/// Reads rules again when somebody asks or a file is edited, until `stop`.
pub(crate) async fn run(reloader: Reloader, stop: CancellationToken) {
    let clock = reloader.clock.clone();
    let dir: PathBuf = reloader.home.dir.clone();
    let watch = Watch::start(&dir, &reloader.edits);
    let mut stage = Watched { reloader, watch };
    // It finds nothing in the store.
    let (_silent, news) = channel::channel(());
    // What was edited between the start of the program and now is seen, too.
    stage.reloader.note(Ask::Edited);
    worker::run(&mut stage, clock, stop, news).await;
}

struct Watched {
    reloader: Reloader,
    watch: Option<Watch>,
}

impl Stage for Watched {
    const NAME: &'static str = "reload";

    async fn work(&mut self) -> Result<Next, Error> {
        let reloader = &mut self.reloader;
        while let Ok(ask) = reloader.asks.try_recv() {
            reloader.note(ask);
        }
        let Some(due) = reloader.due() else {
            return Ok(Next::Idle);
        };
        let left = due.duration_since(reloader.clock.steady());
        if left.is_positive() {
            return Ok(Next::IdleFor(left.unsigned_abs()));
        }
        self.watch.iter_mut().for_each(Watch::again);
        let people = std::mem::take(&mut reloader.waiting).people;
        let answer = reloader.reload(!people.is_empty()).await;
        for person in people {
            // They may have gone away.
            drop(person.send(answer.clone()));
        }
        Ok(Next::Again)
    }

    async fn called(&mut self) {
        match self.reloader.asks.recv().await {
            Some(ask) => self.reloader.note(ask),
            None => std::future::pending().await,
        }
    }
}

impl Reloader {
    fn note(&mut self, ask: Ask) {
        let now = self.clock.steady();
        match ask {
            Ask::Now(person) => self.waiting.people.push(person),
            Ask::Edited => {
                let first = self.waiting.edited.map_or(now, |(first, _)| first);
                self.waiting.edited = Some((first, now));
            }
        }
    }

    /// When the files are to be read.
    fn due(&self) -> Option<Timestamp> {
        if !self.waiting.people.is_empty() {
            return Some(Timestamp::MIN);
        }
        let (first, last) = self.waiting.edited?;
        Some(later(last, STILL_FOR).min(later(first, STILL_WITHIN)))
    }

    /// Reads the files; what is new in them comes into force. Files that say what they said before are
    /// left at that, unless a person asks.
    async fn reload(&mut self, is_asked: bool) -> Answer {
        let home = Arc::clone(&self.home);
        let in_force = Arc::clone(&self.in_force.borrow());
        let known = Arc::clone(&in_force);
        let read = tokio::task::spawn_blocking(move || files::read(&home, &known)).await;
        let read = read.map_err(|error| Refused::Failed(error.to_string()))?;
        let digest = match &read {
            Ok(Read { digest, .. }) | Err(HomeIsBroken { digest, .. }) => *digest,
        };
        let is_first = self.digest.is_none();
        let is_same = self.digest.replace(digest) == Some(digest);
        if is_same && !is_asked {
            return Ok(Reloaded::default());
        }
        let read = match read {
            Ok(read) => read,
            Err(HomeIsBroken { problems, .. }) => {
                tracing::error!("home.yaml is broken; nothing is taken over, `check` says why");
                return Err(Refused::Home(problems));
            }
        };
        let reloaded = Reloaded::of(&in_force, &read);
        if is_first && !is_asked && reloaded.difference.is_empty() {
            return Ok(reloaded);
        }
        if let Err(refused) = self.put_in_force(Arc::new(read.rules)).await {
            let again = later(self.clock.steady(), FAILED_WAIT);
            self.waiting.edited = Some((again, again));
            self.digest = None;
            return Err(refused);
        }
        tell(&reloaded);
        Ok(reloaded)
    }

    async fn put_in_force(&mut self, rules: Arc<RuleSet>) -> Result<(), Refused> {
        let now = self.clock.now();
        let event = Event {
            id: EventId::derive("reloaded", &now.as_microsecond().to_string()),
            source: Source::Engine,
            received_at: now,
            payload: Payload::Engine(EngineChange::Reloaded),
        };
        let id = event.id.clone();
        self.offers.send_replace(Some(Offer {
            event: id.clone(),
            rules: Arc::clone(&rules),
        }));
        let failed = |error: Error| {
            tracing::error!(%error, "the rules could not be taken over");
            Refused::Failed(error.to_string())
        };
        let record = move |tx: &store::writer::Tx<'_>| inbox::record(tx, event.clone(), None);
        self.store.write(record).await.map_err(failed)?;
        let in_force = self.store.write(store::rules::in_force).await;
        if in_force.map_err(failed)? != Some(id) {
            let why = "the engine could not go on with the new rules; the old ones stay";
            tracing::error!("{why}");
            return Err(Refused::Failed(why.to_owned()));
        }
        self.in_force.send_replace(rules);
        Ok(())
    }
}

fn tell(reloaded: &Reloaded) {
    let Difference {
        added,
        changed,
        removed,
        unchanged,
    } = &reloaded.difference;
    tracing::info!(
        added = list(added),
        changed = list(changed),
        removed = list(removed),
        unchanged,
        "the rules were read again"
    );
    reloaded.broken.iter().for_each(Broken::tell);
    if !reloaded.restart_for.is_empty() {
        let keys = reloaded.restart_for.join(", ");
        tracing::warn!(
            keys,
            "home.yaml was changed; that takes effect at the next start"
        );
    }
}

fn list(rules: &[RuleId]) -> String {
    let rules: Vec<_> = rules.iter().map(RuleId::as_str).collect();
    rules.join(", ")
}

impl Broken {
    /// Notes which of `rules` are as they were when they were last right.
    pub(crate) fn note_staying(broken: &mut Vec<Self>, rules: &RuleSet) {
        for rule in rules
            .rules
            .iter()
            .filter(|it| rules.broken.contains(&it.id))
        {
            let id = Some(&rule.id);
            match broken.iter_mut().find(|it| it.rule.as_ref() == id) {
                Some(known) => known.stays = true,
                None => broken.push(Self::staying(rule)),
            }
        }
    }

    fn staying(rule: &Rule) -> Self {
        Self {
            rule: Some(rule.id.clone()),
            file: rule.place.file.clone(),
            line: rule.place.line,
            stays: true,
        }
    }

    fn tell(&self) {
        let rule = self.rule.as_ref().map_or("(no id)", RuleId::as_str);
        let place = format!("{}:{}", self.file, self.line);
        if self.stays {
            tracing::warn!(
                rule,
                place,
                "a rule is broken; it stays as it was when it was last right"
            );
        } else {
            tracing::warn!(rule, place, "a rule is broken and stays out");
        }
    }
}

impl From<&BrokenRule> for Broken {
    fn from(broken: &BrokenRule) -> Self {
        let Place { file, line } = broken.place.clone();
        Self {
            rule: broken.id.clone(),
            file,
            line,
            stays: false,
        }
    }
}
