//! The gate before an Amps that the tests play.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::*;
use crate::config::home::Amps;
use crate::domain::command::Command;
use crate::domain::device::DeviceType;
use crate::domain::id::DeviceAlias;
use crate::domain::secret::Secret;
use crate::http_client::pretend::Asked;
use crate::http_client::{Body, Exchange, HttpClient};

/// A gate to an Amps that is played by `answer`.
fn gate<A>(clock: Clock, answer: impl Fn(Asked) -> A + Send + Sync + 'static) -> Gate
where
    A: Future<Output = Exchange> + Send + 'static,
{
    let amps = Amps {
        base_url: "https://amps.invalid".to_owned(),
        api_key: Secret::new("sk_test_1"),
        request_timeout: Duration::from_secs(10),
        look_up_after: Duration::from_secs(30),
        in_doubt_for: Duration::from_mins(1),
    };
    let api = DeviceApi::through(HttpClient::pretend(answer), &amps).unwrap();
    Gate::new(api, Rate::of(30), clock)
}

fn answered(status: u16) -> Exchange {
    Exchange::Answered {
        status,
        retry_after: None,
        date: None,
        body: Body::Whole(br#"{"id": "act_1", "items": [], "state": {}}"#.to_vec()),
    }
}

/// Returns when nobody can go on before time passes.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

/// A push, a look-up, a list and a reading in turn, each about a device of its own.
fn ask(gate: &Gate, requests: &mut JoinSet<()>, n: usize) {
    let gate = gate.clone();
    let id = format!("dev_{n}");
    let device = Device {
        alias: DeviceAlias::new("thing"),
        device_type: DeviceType::Battery,
        id: DeviceId::new(id.as_str()),
    };
    requests.spawn(async move {
        match n % 4 {
            0 => drop(gate.push(&Command::example("cmd_1", &id), None).await),
            1 => drop(gate.action(&device.id, &ActionId::new("act_1")).await),
            2 => drop(gate.actions(&device, 0, 1).await),
            _ => drop(gate.state(&device, false).await),
        }
    });
}

#[tokio::test]
async fn sixteen_requests_are_under_way_at_once_whoever_makes_them() {
    let (clock, _winder) = Clock::simulated(Timestamp::UNIX_EPOCH);
    let n_asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_asked);
    let gate = gate(clock, move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::pending()
    });
    let mut requests = JoinSet::new();
    for n in 0..=REQUESTS_MAX {
        ask(&gate, &mut requests, n);
    }
    settle().await;
    assert_eq!(n_asked.load(Ordering::Relaxed), REQUESTS_MAX);
}

#[tokio::test]
async fn all_requests_share_the_pace_of_the_key() {
    let (clock, winder) = Clock::simulated(Timestamp::UNIX_EPOCH);
    let gate = gate(clock, |_| std::future::ready(answered(200)));
    let mut requests = JoinSet::new();
    for n in 0..42 {
        ask(&gate, &mut requests, n);
    }
    let mut n_over = 0;
    for (wind, expected) in [(0, 40), (49, 40), (1, 41), (50, 42)] {
        winder.advance(Duration::from_millis(wind));
        settle().await;
        while requests.try_join_next().is_some() {
            n_over += 1;
        }
        assert_eq!(n_over, expected, "{wind}");
    }
}

#[tokio::test]
async fn after_an_outage_one_request_asks_first_and_the_others_follow_slowly() {
    let (clock, winder) = Clock::simulated(Timestamp::UNIX_EPOCH);
    let n_asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_asked);
    let gate = gate(clock.clone(), move |_| {
        let n = counted.fetch_add(1, Ordering::Relaxed);
        let clock = clock.clone();
        async move {
            if n < 3 {
                return answered(502);
            }
            clock.sleep(Duration::from_secs(1)).await;
            answered(200)
        }
    });
    let command = |n: usize| Command::example("cmd_1", &format!("dev_{n}"));
    for n in 0..3 {
        gate.push(&command(n), None).await;
    }
    let held = Pushed::Held {
        until: Timestamp::from_second(5).unwrap(),
        why: "Amps does not answer: status 502, and no word on why".to_owned(),
    };
    assert_eq!(gate.push(&command(3), None).await, held);
    assert_eq!(n_asked.load(Ordering::Relaxed), 3);
    winder.advance(Duration::from_secs(5));
    let mut requests = JoinSet::new();
    for n in [0, 4, 8, 12] {
        ask(&gate, &mut requests, n);
    }
    settle().await;
    assert_eq!(n_asked.load(Ordering::Relaxed), 4, "the one that decides");
    let (device, action) = (DeviceId::new("dev_1"), ActionId::new("act_1"));
    let impatient = gate.action(&device, &action).await;
    let reason = "Amps does not answer: status 502, and no word on why".to_owned();
    assert_eq!(impatient, Answer::NotSent { reason });
    winder.advance(Duration::from_secs(1));
    settle().await;
    assert_eq!(n_asked.load(Ordering::Relaxed), 5, "one at once");
    winder.advance(Duration::from_millis(50));
    settle().await;
    assert_eq!(n_asked.load(Ordering::Relaxed), 6, "and twenty a second");
    assert_eq!(gate.link().borrow().outage, None);
}

#[tokio::test]
async fn a_stop_keeps_a_push_from_leaving() {
    let (clock, _winder) = Clock::simulated(Timestamp::UNIX_EPOCH);
    let gate = gate(clock, |_| std::future::ready(answered(200)));
    let command = Command::example("cmd_1", "dev_1");
    for _ in 0..12 {
        gate.push(&command, None).await;
    }
    let waiting = gate.clone();
    let push = tokio::spawn(async move { waiting.push(&command, None).await });
    settle().await;
    assert!(!push.is_finished());
    gate.stop();
    assert_eq!(push.await.unwrap(), Pushed::Stopped);
}

#[tokio::test]
async fn an_answer_that_cannot_be_understood_is_no_outage() {
    let (clock, _winder) = Clock::simulated(Timestamp::UNIX_EPOCH);
    let gate = gate(clock, |_| {
        std::future::ready(Exchange::Answered {
            status: 200,
            retry_after: None,
            date: None,
            body: Body::Whole(b"{}".to_vec()),
        })
    });
    let (device, action) = (DeviceId::new("dev_1"), ActionId::new("act_1"));
    for _ in 0..5 {
        let expected = Answer::Lost {
            reason: "the answer with status 200 cannot be understood: it has no action id"
                .to_owned(),
            is_answered: true,
        };
        assert_eq!(gate.action(&device, &action).await, expected);
    }
    assert_eq!(gate.link().borrow().outage, None);
}
