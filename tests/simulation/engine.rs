//! The real stages of a home on one thread, to be killed at any moment.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::findings::Findings;
use super::home::Plan;
use super::invariants::difference;
use super::network::{Network, PATIENCE};
use crate::alarms::{self, Alarms};
use crate::app;
use crate::clock::Clock;
use crate::clock_watch::{self, ClockWatch};
use crate::delivery::asking::Asking;
use crate::delivery::hosts::Hosts;
use crate::delivery::http_requests::HttpRequests;
use crate::delivery::messages::{self, Messages};
use crate::delivery::setting_writes::SettingWrites;
use crate::delivery::verdict::Waits;
use crate::delivery::{self, Delivery};
use crate::device_api::DeviceApi;
use crate::device_api::gate::Gate;
use crate::device_api::pace::Rate;
use crate::domain::event::{EngineChange, Event, Payload, Source};
use crate::domain::id::EventId;
use crate::engine::decision::{Decision, ReadRequest};
use crate::engine::state::State;
use crate::engine::{self, Input};
use crate::evaluation::{Evaluation, Offer};
use crate::http_client::HttpClient;
use crate::intake::signature::Key;
use crate::intake::{Hooks, Intake};
use crate::notify::Notifiers;
use crate::readings::inputs::{self, Inputs};
use crate::readings::{self, Poller};
use crate::rules::rule::RuleSet;
use crate::store::error::Error;
use crate::store::signal::AllNews;
use crate::store::writer::{Consumer, Tx};
use crate::store::{Store, inbox, runs};
use crate::tracking::{self, Reports, Tracking};
use crate::worker::Alarm;

/// One event in so many is decided again, from the same state and from the tables.
const DECIDED_TWICE: u64 = 5;

/// An engine at work.
pub(super) struct Engine {
    pub(super) tasks: JoinSet<()>,
    pub(super) store: Store,
    pub(super) intake: Intake,
    pub(super) evaluation: Arc<Mutex<Evaluation>>,
    /// When something is due next, as the engine has told.
    pub(super) alarms: watch::Receiver<Alarm>,
    offers: watch::Sender<Option<Offer>>,
}

impl Engine {
    /// As the program starts it. Fails as the program does when the disk is full.
    pub(super) async fn start(
        (plan, rules): (&'static Plan, Arc<RuleSet>),
        dir: &Path,
        (clock, network): (&Clock, &Network),
        findings: &Findings,
    ) -> Result<Self, Error> {
        let (offers, offered) = watch::channel(None);
        let (evaluation, hints) = Evaluation::new(rules, offered, clock.clone());
        let evaluation = Arc::new(Mutex::new(evaluation));
        let watched = Watched {
            n_events: 0,
            evaluation: Arc::clone(&evaluation),
            clock: clock.clone(),
            findings: findings.clone(),
        };
        let consumers: Vec<Box<dyn Consumer>> =
            vec![Box::new(Reports::new(clock.clone())), Box::new(watched)];
        let (store, news, writer) = Store::start_here(dir, consumers)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(writer);
        let amps = &plan.home.amps;
        let waits = Waits {
            look_up_after: amps.look_up_after,
            in_doubt_for: amps.in_doubt_for,
        };
        let keys = plan.home.intake.secrets.iter().map(Key::parse);
        let intake = Intake {
            store: store.clone(),
            clock: clock.clone(),
            keys: keys.collect::<Result<_, _>>().unwrap(),
            hooks: Arc::new(Hooks::of(&plan.home).unwrap()),
        };
        let mut engine = Self {
            tasks,
            store,
            intake,
            evaluation,
            alarms: hints.alarms.clone(),
            offers,
        };
        if let Err(error) = app::recover(&engine.store, waits, clock).await {
            engine.kill().await;
            return Err(Error::Unavailable(error.to_string()));
        }
        engine.spawn(plan, (clock, network), waits, (news, hints.reads));
        let alarms = Alarms {
            store: engine.store.clone(),
            clock: clock.clone(),
            next: hints.alarms,
        };
        engine
            .tasks
            .spawn(alarms::run(alarms, CancellationToken::new()));
        let watch = ClockWatch {
            store: engine.store.clone(),
            clock: clock.clone(),
        };
        engine
            .tasks
            .spawn(clock_watch::run(watch, CancellationToken::new()));
        Ok(engine)
    }

    fn spawn(
        &mut self,
        plan: &'static Plan,
        (clock, network): (&Clock, &Network),
        waits: Waits,
        (news, wanted): (AllNews, mpsc::Receiver<ReadRequest>),
    ) {
        let network = network.clone();
        let client = HttpClient::pretend(move |asked| network.clone().ask(asked));
        let api = DeviceApi::through(client.clone(), &plan.home.amps).unwrap();
        let rate = Rate::of(plan.home.limits.commands_per_minute);
        let api = Gate::new(api, rate, clock.clone());
        let notifiers = Notifiers::through(&client, &plan.home.notifiers).unwrap();
        let (store, clock) = (&self.store, clock);
        let delivery = Delivery {
            store: store.clone(),
            api: api.clone(),
            clock: clock.clone(),
            waits,
        };
        let tracking = Tracking {
            store: store.clone(),
            api: api.clone(),
            clock: clock.clone(),
            look_up_after: waits.look_up_after,
        };
        let messages = Messages {
            store: store.clone(),
            notifiers,
            clock: clock.clone(),
        };
        let hosts = Hosts::through(client.clone(), PATIENCE, &plan.home);
        let requests = Asking::new(HttpRequests { hosts }, store.clone(), clock.clone());
        let settings = SettingWrites {
            api: api.clone(),
            store: store.clone(),
        };
        let settings = Asking::new(settings, store.clone(), clock.clone());
        let timezone = plan.home.timezone.clone();
        let inputs = Inputs::through(client, store.clone(), clock.clone(), timezone);
        let poller = Poller {
            store: store.clone(),
            api,
            clock: clock.clone(),
            wanted,
        };
        let devices = plan.home.devices.values().cloned().collect();
        let stop = CancellationToken::new;
        let tasks = &mut self.tasks;
        tasks.spawn(delivery::run(delivery, stop(), news.requests));
        tasks.spawn(tracking::run(tracking, stop(), news.reports));
        tasks.spawn(messages::run(messages, stop(), news.notifications));
        tasks.spawn(requests.run(stop(), news.http));
        tasks.spawn(settings.run(stop(), news.settings));
        tasks.spawn(readings::run(poller, devices, stop()));
        tasks.spawn(inputs::run(inputs, inputs::polled(&plan.home), stop()));
    }

    /// What a stage does that reads edited rules again, up to the moment when they are in force.
    pub(super) async fn put_in_force(
        &self,
        rules: Arc<RuleSet>,
        clock: &Clock,
    ) -> Result<(), Error> {
        let event = Event {
            id: EventId::engine("reloaded", clock.now()),
            source: Source::Engine,
            received_at: clock.now(),
            payload: Payload::Engine(EngineChange::Reloaded),
        };
        let offer = Offer {
            event: event.id.clone(),
            rules,
        };
        self.offers.send_replace(Some(offer));
        let record = move |tx: &Tx<'_>| inbox::record(tx, event.clone(), None).map(drop);
        self.store.write(record).await
    }

    /// Nothing in it gets to know of it.
    pub(super) async fn kill(mut self) {
        self.tasks.shutdown().await;
    }
}

/// The evaluation, and whether it decides the same when it decides twice.
struct Watched {
    n_events: u64,
    evaluation: Arc<Mutex<Evaluation>>,
    clock: Clock,
    findings: Findings,
}

impl Consumer for Watched {
    fn consume(&mut self, tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
        let mut evaluation = self
            .evaluation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.n_events += 1;
        // New rules may come into force with such an event.
        let is_of_engine = matches!(event.payload, Payload::Engine(_));
        if !self.n_events.is_multiple_of(DECIDED_TWICE) || is_of_engine {
            return evaluation.consume(tx, event);
        }
        let remembered = evaluation.remembered(tx)?.clone();
        let rules = evaluation.rules();
        let first = self.decisions(&rules, remembered.clone(), event);
        let again = self.decisions(&rules, remembered.clone(), event);
        self.findings.expect(first == again, || {
            format!(
                "{event:?} led to two decisions: {}",
                difference(&first, &again)
            )
        });
        // Ticks ask for moments that are in no row.
        if event.payload != Payload::Tick {
            let mut stored = runs::load(tx)?;
            stored.keep_later_readings(&remembered);
            // Rows may be ahead: an order that is over in this transaction, which the engine hears of next.
            if stored.clone().without_asks() == remembered.clone().without_asks() {
                let after_restart = self.decisions(&rules, stored, event);
                self.findings.expect(first == after_restart, || {
                    format!(
                        "{event:?} leads to another decision after a restart: {}",
                        difference(&first, &after_restart)
                    )
                });
            }
        }
        evaluation.consume(tx, event)
    }

    fn forget(&mut self) {
        let evaluation = self.evaluation.lock();
        evaluation.unwrap_or_else(PoisonError::into_inner).forget();
    }
}

impl Watched {
    fn decisions(&self, rules: &RuleSet, mut state: State, event: &Event) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let input = Input {
            event,
            own: None,
            settled: None,
        };
        let now = self.clock.now();
        let taken = engine::take(rules, &mut state, input, now, |_, decision| {
            decisions.push(decision.clone());
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(left) = taken;
        assert_eq!(left, engine::Left(0));
        decisions
    }
}
