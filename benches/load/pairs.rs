//! Events that rules act on: a battery is charged, its charger is told to charge, and reports its end.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::amps::{Push, action};
use crate::client::{self, Connection, REQUESTS_MAX, Request, Sent, Signer, report};
use crate::house::device;
use crate::{PAIRS, now};

/// Rounds of a pair for which webhooks are signed, two each.
const ROUNDS_MAX: usize = REQUESTS_MAX / 2 / PAIRS;

/// After the end of the time, for what is under way.
const DRAIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a webhook is sent about.
#[derive(Clone, Copy)]
enum Work {
    /// The pair is free: its battery has charged again.
    Charged { pair: usize },
    /// The charger has done what it was pushed to do.
    Done(Push),
}

/// Webhooks, signed in advance.
struct Webhooks {
    charged: Vec<Vec<Request>>,
    done: Vec<Vec<Request>>,
}

impl Webhooks {
    fn sign(n_rounds: usize) -> Self {
        let signer = Signer::new();
        let of_pair = |kind: &str, device_type: &str, pair: usize| {
            let device = device(kind, pair);
            (0..n_rounds)
                .map(|round| {
                    let action = match kind {
                        "charger" => action(pair, round),
                        _ => format!("act_{kind}_{pair}_{round}"),
                    };
                    signer.request(
                        &format!("msg_{action}"),
                        &report(&action, &device, device_type),
                    )
                })
                .collect()
        };
        Self {
            charged: (0..PAIRS)
                .map(|it| of_pair("battery", "battery", it))
                .collect(),
            done: (0..PAIRS)
                .map(|it| of_pair("charger", "ev_charger", it))
                .collect(),
        }
    }
}

/// What the connections share.
struct Play {
    address: SocketAddr,
    webhooks: Webhooks,
    end: Instant,
    work: Mutex<UnboundedReceiver<Work>>,
    more: UnboundedSender<Work>,
    /// Events sent for each pair.
    rounds: RefCell<[usize; PAIRS]>,
    /// Pairs whose command is not over.
    n_open: Cell<usize>,
    n_pushes: Cell<usize>,
    sent: RefCell<Sent>,
    /// Sent after the time was over, to bring the last commands to their ends.
    n_late: Cell<usize>,
}

impl Play {
    fn add(&self, work: Work) {
        let sent = self.more.send(work);
        assert!(sent.is_ok(), "the other end is in the same place");
    }
}

/// What came of playing.
pub(crate) struct Played {
    pub(crate) sent: Sent,
    /// Webhooks that were answered with success, also after the time was over.
    pub(crate) n_answered: usize,
    /// Pushes that came within the time.
    pub(crate) n_pushes: usize,
}

/// Keeps all connections busy with the pairs for `time`, then lets the last commands end.
pub(crate) fn play(address: SocketAddr, pushes: UnboundedReceiver<Push>, time: Duration) -> Played {
    let webhooks = Webhooks::sign(ROUNDS_MAX);
    let (more, work) = unbounded_channel();
    for pair in 0..PAIRS {
        more.send(Work::Charged { pair }).unwrap();
    }
    let start = now();
    let play = Rc::new(Play {
        address,
        webhooks,
        end: start + time,
        work: Mutex::new(work),
        more,
        rounds: RefCell::new([0; PAIRS]),
        n_open: Cell::new(0),
        n_pushes: Cell::new(0),
        sent: RefCell::default(),
        n_late: Cell::new(0),
    });
    let mut pushes = Some(pushes);
    client::on_this_thread(|_| {
        let play = Rc::clone(&play);
        let pushes = pushes.take();
        async move {
            if let Some(pushes) = pushes {
                tokio::task::spawn_local(hear(Rc::clone(&play), pushes));
            }
            connection(play).await;
        }
    });
    let mut sent = play.sent.take();
    sent.took = time;
    Played {
        n_answered: sent.answered + play.n_late.get(),
        n_pushes: play.n_pushes.get(),
        sent,
    }
}

/// Makes work of pushes as they come in.
async fn hear(play: Rc<Play>, mut pushes: UnboundedReceiver<Push>) {
    while let Some(push) = pushes.recv().await {
        if push.at < play.end {
            play.n_pushes.set(play.n_pushes.get() + 1);
        }
        play.add(Work::Done(push));
    }
}

async fn connection(play: Rc<Play>) {
    let mut wire = Connection::open(play.address).await;
    loop {
        let next = timeout(LOOK_EVERY, async { play.work.lock().await.recv().await }).await;
        let time = now();
        match next {
            Ok(Some(Work::Charged { pair })) => {
                let round = play.rounds.borrow()[pair];
                if play.end <= time || round == ROUNDS_MAX {
                    continue;
                }
                play.rounds.borrow_mut()[pair] += 1;
                play.n_open.set(play.n_open.get() + 1);
                ask(&play, &mut wire, &play.webhooks.charged[pair][round]).await;
            }
            Ok(Some(Work::Done(push))) => {
                ask(&play, &mut wire, &play.webhooks.done[push.pair][push.round]).await;
                play.n_open.set(play.n_open.get() - 1);
                play.add(Work::Charged { pair: push.pair });
            }
            Ok(None) | Err(_) => {
                let over = play.end <= time && play.n_open.get() == 0;
                if over || play.end + DRAIN <= time {
                    return;
                }
            }
        }
    }
}

async fn ask(play: &Play, wire: &mut Connection, request: &[u8]) {
    let begun = now();
    let status = wire.ask(request).await;
    let ended = now();
    if ended < play.end {
        play.sent.borrow_mut().add(status, ended - begun);
    } else if status == 200 {
        play.n_late.set(play.n_late.get() + 1);
    } else {
        play.sent.borrow_mut().refused += 1;
    }
}

/// From webhook to push, one pair after the other; nothing else is going on. The home must have had the
/// events before `events`, and no others.
pub(crate) fn one_by_one(
    address: SocketAddr,
    pushes: &mut UnboundedReceiver<Push>,
    events: Range<usize>,
) -> Vec<Duration> {
    let webhooks = Webhooks::sign(events.end.div_ceil(PAIRS));
    client::runtime().block_on(async {
        let mut wire = Connection::open(address).await;
        let mut latencies = Vec::with_capacity(events.len());
        for event in events {
            let (pair, round) = (event % PAIRS, event / PAIRS);
            // The engine ends connections that are old.
            if pair == 0 {
                wire = Connection::open(address).await;
            }
            let begun = now();
            assert_eq!(wire.ask(&webhooks.charged[pair][round]).await, 200);
            let push = timeout(DRAIN, pushes.recv()).await.unwrap().unwrap();
            latencies.push(push.at - begun);
            assert_eq!((push.pair, push.round), (pair, round));
            assert_eq!(wire.ask(&webhooks.done[pair][round]).await, 200);
        }
        latencies
    })
}
