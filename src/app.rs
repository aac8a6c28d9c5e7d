//! The composition root: builds the stages of one home, starts them, and stops them in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::alarms::{self, Alarms};
use crate::clock::Clock;
use crate::clock_watch::{self, ClockWatch};
use crate::config::home::Home;
use crate::config::names::Names;
use crate::config::{self};
use crate::control::server::{self as control, Control, Socket};
use crate::delivery::asking::Asking;
use crate::delivery::hosts::Hosts;
use crate::delivery::http_requests::HttpRequests;
use crate::delivery::messages::Messages;
use crate::delivery::setting_writes::SettingWrites;
use crate::delivery::verdict::Waits;
use crate::delivery::{self, Delivery, link};
use crate::device_api::DeviceApi;
use crate::device_api::gate::Gate;
use crate::device_api::pace::Rate;
use crate::domain::event::{EngineChange, Event, Payload, Source};
use crate::domain::id::EventId;
use crate::engine::decision::ReadRequest;
use crate::evaluation::Evaluation;
use crate::housekeeping;
use crate::intake::signature::Key;
use crate::intake::{self, Hooks, Intake};
use crate::notify::Notifiers;
use crate::readings::inputs::{self, Inputs};
use crate::readings::{self, Poller};
use crate::reload::{self, Reloader};
use crate::rules::rule::{Rule, RuleSet};
use crate::rules::{Loaded, last_good};
use crate::store::signal::AllNews;
use crate::store::view::{StoredRule, View};
use crate::store::writer::{Consumer, Tx};
use crate::store::{Lock, Store, awaited, clock_set, http_requests, inbox, outbox, setting_writes};
use crate::tracking::{self, Reports, Tracking};

/// A running engine.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    /// Ends what takes in; ends the rest.
    stop: Stop,
    stages: JoinSet<()>,
    store: Store,
    writer: thread::JoinHandle<()>,
    _lock: Lock,
}

/// The two steps of a stop: what is taken in up to the last moment can still be claimed and given back.
#[derive(Clone, Debug, Default)]
struct Stop {
    intake: CancellationToken,
    rest: CancellationToken,
}

impl App {
    /// Starts the engine of `home` with the rules that were `loaded`; broken ones stay as they were when they
    /// were last right. When this returns, webhooks are taken in.
    pub async fn start(home: &Home, loaded: Loaded, clock: Clock) -> anyhow::Result<Self> {
        let lock = Lock::take(&home.dir)
            .with_context(|| format!("failed to write to {}", home.dir.join("state").display()))?
            .context("another engine is running on this home; stop it first")?;
        let outside = Outside::of(home, &clock)?;
        let rules = Arc::new(with_last_good(home, loaded)?);
        let (offers, offered) = watch::channel(None);
        let (evaluation, hints) = Evaluation::new(Arc::clone(&rules), offered, clock.clone());
        let consumers: Vec<Box<dyn Consumer>> =
            vec![Box::new(Reports::new(clock.clone())), Box::new(evaluation)];
        let started = Store::start(&home.dir, consumers).context("failed to open the database")?;
        let store = started.store.clone();
        recover(&store, waits(home), &clock).await?;
        link::restore(&store, &outside.api)
            .await
            .context("failed to read the database")?;
        let listener = TcpListener::bind(home.intake.listen)
            .await
            .with_context(|| format!("failed to listen on {}", home.intake.listen))?;
        let address = listener.local_addr()?;
        let stop = Stop::default();
        let inside = Inside {
            store: store.clone(),
            clock,
            stop: stop.clone(),
        };
        let mut stages = inside.start(home, outside, listener, (started.news, hints.reads));
        let Inside { clock, .. } = inside;
        let (reloader, reload) = Reloader::new(home, rules, offers, store.clone(), clock.clone());
        stages.spawn(reload::run(reloader, stop.rest.clone()));
        let control = Control {
            store: store.clone(),
            clock: clock.clone(),
            reload,
            since: clock.now(),
        };
        let socket = Socket::open(&home.dir);
        stages.spawn(control::serve(socket, control, stop.rest.clone()));
        let alarms = Alarms {
            store: store.clone(),
            clock: clock.clone(),
            next: hints.alarms,
        };
        stages.spawn(alarms::run(alarms, stop.rest.clone()));
        let inputs = Inputs::try_new(store.clone(), clock.clone(), home.timezone.clone())?;
        stages.spawn(inputs::run(inputs, inputs::polled(home), stop.rest.clone()));
        let watch = ClockWatch {
            store: store.clone(),
            clock,
        };
        stages.spawn(clock_watch::run(watch, stop.rest.clone()));
        Ok(Self {
            address,
            stop,
            stages,
            store,
            writer: started.thread,
            _lock: lock,
        })
    }

    /// Where webhooks are taken in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns when a stage has ended by itself, which is a bug: the process should end, and be started
    /// again by whoever watches it. The store makes that safe.
    pub async fn failed(&mut self) -> anyhow::Error {
        match self.stages.join_next().await {
            Some(Err(error)) => anyhow::Error::new(error).context("a stage broke"),
            Some(Ok(())) | None => anyhow::anyhow!("a stage ended by itself"),
        }
    }

    /// Stops taking in, lets what is under way finish within bounds, and closes the database.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.intake.cancel();
        let mut broken = None;
        while let Some(ended) = self.stages.join_next().await {
            // The intake is the first to end; nothing new is claimed then.
            self.stop.rest.cancel();
            broken = ended.err().or(broken);
        }
        drop(self.store);
        tokio::task::spawn_blocking(|| self.writer.join())
            .await?
            .map_err(|_| anyhow::anyhow!("the writer broke"))?;
        broken.map_or(Ok(()), |error| Err(error).context("a stage broke"))
    }
}

/// The rules that were loaded and, of those that are broken, the last good versions that the database has.
fn with_last_good(home: &Home, loaded: Loaded) -> anyhow::Result<RuleSet> {
    let view = View::open(&home.dir).context("failed to open the database")?;
    let stored = view.map_or_else(|| Ok(Vec::new()), |it| it.rules())?;
    let names = Names::of(home);
    let wanted = stored
        .iter()
        .filter(|it| loaded.rules.rule(&it.id).is_none());
    let known: Vec<Rule> = wanted.filter_map(StoredRule::rule).collect();
    let (known, unfit): (Vec<_>, Vec<_>) = known
        .into_iter()
        .partition(|it| last_good::fits(it, &names));
    let rules = last_good::complete(loaded, &known, &names, |file| {
        config::is_there(&home.dir, file)
    });
    for rule in &rules.broken {
        if rules.rule(rule).is_some() {
            tracing::warn!(%rule, "the rule is broken; it stays as it was when it was last right");
        } else if unfit.iter().any(|it| it.id == *rule) {
            tracing::warn!(%rule, "the rule is broken, and was about devices that the home no longer has; it stays out");
        } else {
            tracing::warn!(%rule, "the rule is broken and stays out");
        }
    }
    Ok(rules)
}

/// What the stages speak to, and what speaks to them.
struct Outside {
    api: Gate,
    notifiers: Notifiers,
    hosts: Hosts,
    /// Any of them may have signed a webhook.
    keys: Arc<[Key]>,
    hooks: Arc<Hooks>,
}

impl Outside {
    fn of(home: &Home, clock: &Clock) -> anyhow::Result<Self> {
        let keys = home.intake.secrets.iter().map(Key::parse);
        Ok(Self {
            api: Gate::new(
                DeviceApi::try_new(&home.amps)?.in_zone(home.timezone.clone()),
                Rate::of(home.limits.commands_per_minute),
                clock.clone(),
            ),
            notifiers: Notifiers::try_new(&home.notifiers)?,
            hosts: Hosts::of(home),
            keys: keys
                .collect::<Result<_, _>>()
                .context("a webhook secret is not usable")?,
            hooks: Arc::new(Hooks::of(home).context("a secret of a hook is not usable")?),
        })
    }
}

/// What the stages share.
struct Inside {
    store: Store,
    clock: Clock,
    stop: Stop,
}

impl Inside {
    fn start(
        &self,
        home: &Home,
        outside: Outside,
        listener: TcpListener,
        (news, reads): (AllNews, mpsc::Receiver<ReadRequest>),
    ) -> JoinSet<()> {
        let Outside {
            api,
            notifiers,
            hosts,
            keys,
            hooks,
        } = outside;
        let (store, clock) = (&self.store, &self.clock);
        let delivery = Delivery {
            store: store.clone(),
            api: api.clone(),
            clock: clock.clone(),
            waits: waits(home),
        };
        let tracking = Tracking {
            store: store.clone(),
            api: api.clone(),
            clock: clock.clone(),
            look_up_after: home.amps.look_up_after,
        };
        let messages = Messages {
            store: store.clone(),
            notifiers,
            clock: clock.clone(),
        };
        let requests = Asking::new(HttpRequests { hosts }, store.clone(), clock.clone());
        let writes = SettingWrites {
            api: api.clone(),
            store: store.clone(),
        };
        let settings = Asking::new(writes, store.clone(), clock.clone());
        let poller = Poller {
            store: store.clone(),
            api,
            clock: clock.clone(),
            wanted: reads,
        };
        let intake = Intake {
            store: store.clone(),
            clock: clock.clone(),
            keys,
            hooks,
        };
        let devices = home.devices.values().cloned().collect();
        let stop = || self.stop.rest.clone();
        let mut stages = JoinSet::new();
        stages.spawn(link::run(
            store.clone(),
            delivery.api.clone(),
            clock.clone(),
            stop(),
        ));
        stages.spawn(delivery::run(delivery, stop(), news.requests));
        stages.spawn(tracking::run(tracking, stop(), news.reports));
        stages.spawn(delivery::messages::run(
            messages,
            stop(),
            news.notifications,
        ));
        stages.spawn(requests.run(stop(), news.http));
        stages.spawn(settings.run(stop(), news.settings));
        stages.spawn(readings::run(poller, devices, stop()));
        stages.spawn(housekeeping::run(
            store.clone(),
            home.retention,
            clock.clone(),
            stop(),
        ));
        stages.spawn(intake::serve(listener, intake, self.stop.intake.clone()));
        stages
    }
}

fn waits(home: &Home) -> Waits {
    Waits {
        look_up_after: home.amps.look_up_after,
        in_doubt_for: home.amps.in_doubt_for,
    }
}

/// What was under way when the program ended is in doubt now, and a run whose command is over goes on.
pub(crate) async fn recover(store: &Store, waits: Waits, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    let unread = "failed to read the database";
    // By itself: what follows goes by the rows as they are then.
    let look = move |tx: &Tx<'_>| clock_watch::look_at_start(tx, now);
    store.write(look).await.context(unread)?;
    let interrupted = store
        .write(move |tx| {
            clock_set::begin_life(tx)?;
            outbox::hand_on_unheard(tx)?;
            awaited::recover::<http_requests::Claimed>(tx, now)?;
            awaited::recover::<setting_writes::Claimed>(tx, now)?;
            inbox::happen(tx, started_event(now))?;
            delivery::recover(tx, waits, now)
        })
        .await
        .context(unread)?;
    if 0 < interrupted {
        tracing::warn!(
            commands = interrupted,
            "pushes were under way at the last stop; looking them up"
        );
    }
    Ok(())
}

/// The start itself: what was due meanwhile is dealt with, and rules may listen to it.
fn started_event(now: Timestamp) -> Event {
    Event {
        id: EventId::engine("started", now),
        source: Source::Engine,
        received_at: now,
        payload: Payload::Engine(EngineChange::Started),
    }
}
