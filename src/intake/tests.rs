//! The bounds on connections, by the real server with shorter waits than life has.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use super::*;
use crate::domain::secret::Secret;
use crate::store::Started;

/// What takes longer than this will not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two bytes of a slow client: shorter than any of the waits.
const TICK: Duration = Duration::from_millis(10);

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";

/// Waits that nothing here runs into; each test shortens the one that it is about.
const LIMITS: Limits = Limits {
    connections: 256,
    header_wait: PATIENCE,
    body_wait: PATIENCE,
    connection_life: PATIENCE,
    linger: Duration::from_millis(200),
    stop_wait: PATIENCE,
};

const SHORT: Duration = Duration::from_millis(200);

/// The intake at work.
struct Served {
    address: SocketAddr,
    store: Store,
    writer: thread::JoinHandle<()>,
    stop: CancellationToken,
    server: JoinHandle<()>,
    _dir: TempDir,
}

fn key() -> Key {
    Key::parse(&Secret::new("whsec_c2hvcnQgd2FpdHM=")).unwrap()
}

async fn serve(limits: Limits) -> Served {
    let dir = TempDir::new().unwrap();
    let Started {
        store,
        thread: writer,
        ..
    } = Store::start(dir.path(), Vec::new()).unwrap();
    let intake = Intake {
        hooks: Arc::new(Hooks {
            timezone: jiff::tz::TimeZone::UTC,
            by_name: BTreeMap::new(),
        }),
        store: store.clone(),
        clock: Clock::System,
        keys: Arc::new([key()]),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve_within(limits, listener, intake, stop.clone()));
    Served {
        address,
        store,
        writer,
        stop,
        server,
        _dir: dir,
    }
}

impl Served {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A connection with a first request, answered.
    fn connect_and_ask(&self) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(HEALTH).unwrap();
        assert_eq!(status(&mut stream), "HTTP/1.1 200 OK");
        stream
    }
}

/// A webhook, split where its body begins.
fn webhook(id: &str, body: &str) -> (String, String) {
    let now = Clock::System.now().as_second();
    let signature = signature::sign(&key(), id, now, body.as_bytes());
    let head = format!(
        "POST /webhooks/amps HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\
         svix-id: {id}\r\nsvix-timestamp: {now}\r\nsvix-signature: {signature}\r\n\r\n",
        body.len()
    );
    (head, body.to_owned())
}

/// The first line of an answer that comes in one piece.
fn status(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let n_bytes = stream.read(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes[..n_bytes]);
    text.lines().next().unwrap_or_default().to_owned()
}

/// Everything until the other side ends the connection.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    String::from_utf8(bytes).unwrap()
}

/// Sends `bytes` one by one until they are through or somebody answers; whether all were sent.
fn trickle(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.set_read_timeout(Some(TICK)).unwrap();
    let all_sent = bytes.iter().all(|byte| {
        let is_sent = stream.write_all(&[*byte]).is_ok();
        is_sent
            && stream
                .peek(&mut [0])
                .is_err_and(|it| it.kind() == ErrorKind::WouldBlock)
    });
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    all_sent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_must_come_in_time_however_busily_it_trickles() {
    let served = serve(Limits {
        header_wait: SHORT,
        ..LIMITS
    })
    .await;
    let mut stream = served.connect();
    let head = [
        b"POST /webhooks/amps HTTP/1.1\r\nx: ".as_slice(),
        &[b'x'; 2000],
    ]
    .concat();
    assert!(!trickle(&mut stream, &head));
    assert_eq!(rest(&mut stream), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_must_come_in_time_however_busily_it_trickles() {
    let served = serve(Limits {
        body_wait: SHORT,
        ..LIMITS
    })
    .await;
    let mut stream = served.connect();
    let (head, body) = webhook("msg_1", &" ".repeat(2000));
    stream.write_all(head.as_bytes()).unwrap();
    assert!(!trickle(&mut stream, body.as_bytes()));
    let answer = rest(&mut stream);
    let (answer, date) = answer.split_once("date: ").unwrap();
    assert_eq!(
        (answer, date.len()),
        (
            "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n",
            "Sat, 10 Jan 2026 18:00:00 GMT\r\n\r\n".len()
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_lies_idle_is_ended() {
    let served = serve(Limits {
        header_wait: SHORT,
        ..LIMITS
    })
    .await;
    assert_eq!(rest(&mut served.connect()), "");
    assert_eq!(rest(&mut served.connect_and_ask()), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_its_answers_is_cut() {
    let served = serve(Limits {
        connection_life: SHORT,
        body_wait: SHORT,
        ..LIMITS
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket
        .connect(served.address)
        .await
        .unwrap()
        .into_std()
        .unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_write_timeout(Some(TICK)).unwrap();
    let requests = HEALTH.repeat(1000);
    // Either they are taken, or nobody takes them any more; in the end nobody is there.
    let rounds = PATIENCE.as_millis() / TICK.as_millis();
    let ended = (0..rounds).find_map(|_| {
        let error = stream.write_all(&requests).err()?.kind();
        (error != ErrorKind::WouldBlock).then_some(error)
    });
    assert!(
        matches!(
            ended,
            Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
        ),
        "{ended:?}"
    );
    served.connect_and_ask();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_more_than_there_is_room_for_waits_until_one_ends() {
    let served = serve(Limits {
        connections: 2,
        ..LIMITS
    })
    .await;
    let held = [served.connect_and_ask(), served.connect_and_ask()];
    let mut third = served.connect();
    third.write_all(HEALTH).unwrap();
    third.set_read_timeout(Some(SHORT)).unwrap();
    assert_eq!(
        third.peek(&mut [0]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    third.set_read_timeout(Some(PATIENCE)).unwrap();
    drop(held);
    assert_eq!(status(&mut third), "HTTP/1.1 200 OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_the_request_under_way_finish() {
    let served = serve(LIMITS).await;
    let mut idle = served.connect_and_ask();
    let mut stream = served.connect_and_ask();
    let (head, body) = webhook("msg_1", "{}");
    // The answer to a client that asks first tells that the request is under way.
    let head = head.replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(status(&mut stream), "HTTP/1.1 100 Continue");
    served.stop.cancel();
    assert_eq!(rest(&mut idle), "");
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(rest(&mut stream).lines().next(), Some("HTTP/1.1 200 OK"));
    drop((idle, stream));
    served.server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_cuts_what_does_not_finish_and_lets_the_store_close() {
    let served = serve(Limits {
        stop_wait: SHORT,
        ..LIMITS
    })
    .await;
    let mut stream = served.connect();
    let (head, _) = webhook("msg_1", "{}");
    let head = head.replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(status(&mut stream), "HTTP/1.1 100 Continue");
    served.stop.cancel();
    served.server.await.unwrap();
    assert_eq!(rest(&mut stream), "");
    drop(served.store);
    served.writer.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_turned_away_at_once_when_too_much_waits_to_be_written() {
    let served = serve(LIMITS).await;
    let (started, is_started) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let store = served.store.clone();
    let blocking = tokio::spawn(async move {
        let block = move |_: &crate::store::writer::Tx<'_>| {
            started.send(()).unwrap();
            gate.recv().unwrap();
            Ok(())
        };
        store.write(block).await
    });
    is_started.recv().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..10_000 {
        let mut job = Box::pin(served.store.write(|_| Ok(())));
        match poll_fn(|cx| Poll::Ready(job.as_mut().poll(cx))).await {
            Poll::Pending => waiting.push(job),
            Poll::Ready(turned_away) => {
                assert!(matches!(turned_away, Err(Error::Overloaded)));
                break;
            }
        }
    }
    assert_eq!(waiting.len(), 2048);

    let (head, body) = webhook("msg_1", "{}");
    let mut stream = served.connect();
    stream.write_all((head.clone() + &body).as_bytes()).unwrap();
    assert_eq!(status(&mut stream), "HTTP/1.1 503 Service Unavailable");
    open.send(()).unwrap();
    blocking.await.unwrap().unwrap();
    for job in waiting {
        job.await.unwrap();
    }
    stream.write_all((head + &body).as_bytes()).unwrap();
    assert_eq!(status(&mut stream), "HTTP/1.1 200 OK");
}
