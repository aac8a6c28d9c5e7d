//! An order of ours that waits at Amps for its time, in the way of another one of ours.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::home::{API_KEY, CHARGER, WEBHOOK_SECRET};
use crate::clock::{Clock, later};
use crate::config::home::Amps;
use crate::delivery::verdict::Waits;
use crate::delivery::{self, Delivery};
use crate::device_api::DeviceApi;
use crate::device_api::gate::Gate;
use crate::device_api::pace::Rate;
use crate::domain::command::{Claim, Command};
use crate::domain::id::{ActionId, CommandId};
use crate::domain::lifecycle::Step;
use crate::domain::secret::Secret;
use crate::http_client::pretend::Asked;
use crate::http_client::{Body, Exchange, HttpClient};
use crate::simulator::in_memory::InMemory;
use crate::simulator::{Settings, WebhookTarget};
use crate::store::outbox;
use crate::store::view::View;
use crate::store::{Started, Store};

const WAITS: Waits = Waits {
    look_up_after: Duration::from_secs(30),
    in_doubt_for: Duration::from_mins(1),
};

fn client(amps: InMemory) -> HttpClient {
    HttpClient::pretend(move |asked: Asked| {
        let amps = amps.clone();
        async move {
            let request = (asked.method, asked.path.as_str());
            let answered = amps.ask(request, asked.query.clone(), asked.body).await;
            let answered = answered.unwrap();
            Exchange::Answered {
                status: answered.status,
                retry_after: answered.retry_after,
                date: None,
                body: Body::Whole(answered.body),
            }
        }
    })
}

fn command(id: &str, claim: Claim) -> Command {
    Command {
        claim,
        ..Command::example(id, CHARGER)
    }
}

/// An order of ours that nothing was heard of, and that Amps still keeps for its time.
async fn planned(store: &Store, action: &str, claim: Claim, now: Timestamp) {
    let action = ActionId::new(action);
    let given = store.write(move |tx| {
        let older = command("cmd_older", claim);
        outbox::enqueue(tx, &older, now)?;
        let deadline = later(now, Duration::from_mins(15));
        let step = Step::Acknowledged {
            action: action.clone(),
            look_up_at: deadline,
            deadline,
        };
        outbox::acknowledge(tx, &older.id, step, &action, now)?;
        let ended = outbox::advance(tx, &older.id, Step::TimePassed, None, deadline)?;
        assert!(ended.is_some());
        Ok(())
    });
    given.await.unwrap();
}

/// What becomes of both: that of Amps' action, and that of the newer command.
async fn ends(older: Claim, newer: Claim) -> (&'static str, String) {
    let (clock, _winder) = Clock::simulated("2026-06-10T08:00:00Z".parse().unwrap());
    let now = clock.now();
    let settings = Settings {
        api_key: Secret::new(API_KEY),
        clock: clock.clone(),
        ..Settings::house()
    };
    let target = WebhookTarget {
        url: "https://home.invalid/webhooks/amps".to_owned(),
        secret: Secret::new(WEBHOOK_SECRET),
        path_per_event: false,
    };
    let amps = InMemory::new(settings, target).unwrap();
    let plan = json!({"command": "charge", "start": "2h"});
    let path = format!("/devices/{CHARGER}/actions");
    let action = amps.control(&path, &plan).unwrap()["action"].clone();
    let dir = super::home::folder();
    let Started { store, news, .. } = Store::start(dir.path(), Vec::new()).unwrap();
    planned(&store, action.as_str().unwrap(), older, now).await;
    let enqueue = store.write(move |tx| outbox::enqueue(tx, &command("cmd_newer", newer), now));
    enqueue.await.unwrap();
    let api = Amps {
        base_url: "https://amps.invalid".to_owned(),
        api_key: Secret::new(API_KEY),
        request_timeout: Duration::from_secs(10),
        look_up_after: WAITS.look_up_after,
        in_doubt_for: WAITS.in_doubt_for,
    };
    let api = DeviceApi::through(client(amps.clone()), &api).unwrap();
    let delivery = Delivery {
        store,
        api: Gate::new(api, Rate::of(30), clock.clone()),
        clock,
        waits: WAITS,
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(delivery::run(delivery, stop.clone(), news.requests));
    let newer = CommandId::new("cmd_newer");
    let mut state = String::new();
    for _ in 0..2000 {
        let view = View::open(dir.path()).unwrap().unwrap();
        state = view.command(newer.as_str()).unwrap().unwrap().command.state;
        if state != "sending" {
            break;
        }
        Clock::System.sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    running.await.unwrap();
    (amps.actions()[0].state.name(), state)
}

fn claim(priority: u32, replaces: bool) -> Claim {
    Claim { priority, replaces }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_ours_that_gives_way_is_replaced_and_one_that_does_not_is_waited_for() {
    let replaced = ("cancelled", "acknowledged".to_owned());
    let waits = ("scheduled", "blocked".to_owned());
    for (older, newer, expected) in [
        (claim(50, false), claim(60, false), &replaced),
        (claim(50, false), claim(50, true), &replaced),
        (claim(50, false), claim(50, false), &waits),
        (claim(60, false), claim(50, true), &waits),
    ] {
        assert_eq!(&ends(older, newer).await, expected, "{older:?} {newer:?}");
    }
}
