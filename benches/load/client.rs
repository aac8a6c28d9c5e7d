//! The load client: connections that stay open, and requests that are signed before the clock starts.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use amps_rules::clock::Clock;
use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::{Key, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::now;

/// Signs every webhook of this program.
pub(crate) const SECRET: &str = "whsec_c2ltdWxhdG9yLW9uLXRoaXMtbWFjaGluZQ==";

pub(crate) const CONNECTIONS: usize = 32;

/// Requests that are signed for one measurement; when they are used up, it ends early.
pub(crate) const REQUESTS_MAX: usize = 400_000;

/// No answer is longer.
const ANSWER_BYTES_MAX: usize = 4096;

/// A request as it goes over the wire.
pub(crate) type Request = Box<[u8]>;

/// Signs webhooks, all with the time at which this was made.
pub(crate) struct Signer {
    key: Key,
    second: i64,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let key = Key::parse(&Secret::new(SECRET)).unwrap();
        let second = Clock::System.now().as_second();
        Self { key, second }
    }

    pub(crate) fn request(&self, id: &str, body: &str) -> Request {
        let signature = sign(&self.key, id, self.second, body.as_bytes());
        let (second, length) = (self.second, body.len());
        format!(
            "POST /webhooks/amps HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             svix-id: {id}\r\nsvix-timestamp: {second}\r\nsvix-signature: {signature}\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
        .into()
    }
}

/// The end of an action, as the newest generation tells of it.
pub(crate) fn report(action: &str, device: &str, device_type: &str) -> String {
    format!(
        "{{\"actionId\":\"{action}\",\"deviceId\":\"{device}\",\"deviceType\":\"{device_type}\",\
         \"command\":\"charge\",\"parameters\":null,\"result\":{{\"success\":true}},\
         \"completedAt\":\"2026-06-10T08:00:00.000Z\"}}"
    )
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            answer: Vec::with_capacity(ANSWER_BYTES_MAX),
        }
    }

    /// Sends `request` and returns the status of its answer, read to its end.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> u16 {
        self.stream.write_all(request).await.unwrap();
        self.answer.clear();
        loop {
            let n_read = self.stream.read_buf(&mut self.answer).await.unwrap();
            assert_ne!(n_read, 0, "the connection was closed");
            assert!(self.answer.len() < ANSWER_BYTES_MAX, "the answer is long");
            if let Some(status) = status_of_whole(&self.answer) {
                return status;
            }
        }
    }
}

/// The status of an answer; none while it is not there to its end.
fn status_of_whole(answer: &[u8]) -> Option<u16> {
    const HEAD_END: &[u8] = b"\r\n\r\n";
    const LENGTH: &[u8] = b"content-length: ";
    let head = answer
        .windows(HEAD_END.len())
        .position(|it| it == HEAD_END)?;
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    let length = answer[..head]
        .windows(LENGTH.len())
        .position(|it| it.eq_ignore_ascii_case(LENGTH))
        .map_or(0, |at| {
            let value = text(&answer[at + LENGTH.len()..]);
            value.split_once('\r').unwrap().0.parse().unwrap()
        });
    let whole = head + HEAD_END.len() + length;
    (whole <= answer.len()).then(|| text(&answer[9..12]).parse().unwrap())
}

/// What came of sending for a while.
#[derive(Default)]
pub(crate) struct Sent {
    /// Answered with success, by the end of the time.
    pub(crate) answered: usize,
    pub(crate) refused: usize,
    pub(crate) took: Duration,
    /// From request to answer, of those that were answered.
    pub(crate) latencies: Vec<Duration>,
}

impl Sent {
    pub(crate) fn add(&mut self, status: u16, latency: Duration) {
        if (200..300).contains(&status) {
            self.answered += 1;
            self.latencies.push(latency);
        } else {
            self.refused += 1;
        }
    }

    pub(crate) fn per_second(&self) -> f64 {
        rate(self.answered, self.took)
    }
}

pub(crate) fn rate(count: usize, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let count = count as f64;
    count / took.as_secs_f64()
}

/// Sends `requests` over all connections, each as soon as the one before it is answered.
pub(crate) fn send_all(address: SocketAddr, requests: Vec<Request>, time: Duration) -> Sent {
    let start = now();
    let share = requests.len().div_ceil(CONNECTIONS);
    let requests: Rc<[Request]> = requests.into();
    let mut sent = on_this_thread(|connection| {
        let requests = Rc::clone(&requests);
        async move {
            let mut sent = Sent::default();
            let mut wire = Connection::open(address).await;
            for request in requests.iter().skip(connection * share).take(share) {
                let begun = now();
                if time <= begun - start {
                    break;
                }
                let status = wire.ask(request).await;
                sent.add(status, begun.elapsed());
            }
            sent
        }
    })
    .into_iter()
    .fold(Sent::default(), |mut all, one| {
        all.answered += one.answered;
        all.refused += one.refused;
        all.latencies.extend(one.latencies);
        all
    });
    sent.took = start.elapsed();
    sent
}

/// Runs one task for each connection on the calling thread.
pub(crate) fn on_this_thread<F, T>(mut task: impl FnMut(usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + 'static,
    T: 'static,
{
    let runtime = runtime();
    let tasks = LocalSet::new();
    let handles: Vec<_> = (0..CONNECTIONS)
        .map(|connection| tasks.spawn_local(task(connection)))
        .collect();
    tasks.block_on(&runtime, async {
        let mut results = Vec::with_capacity(CONNECTIONS);
        for handle in handles {
            results.push(handle.await.unwrap());
        }
        results
    })
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// The value below which `share` of `values` are; nothing of nothing.
pub(crate) fn quantile(values: &mut [Duration], share: f64) -> Duration {
    values.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is a count"
    )]
    let index = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(index).copied().unwrap_or_default()
}

/// For how long `work` ran.
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let start: Instant = now();
    work();
    start.elapsed()
}
