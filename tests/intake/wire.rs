//! Bytes to the intake and back, and webhooks signed as a test wants them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use amps_rules::clock::Clock;
use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::{self, Key};

use crate::home::{House, WEBHOOK_SECRET};

/// What takes longer than this will not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Far longer than an answer takes, far shorter than anybody's patience.
const A_WHILE: Duration = Duration::from_millis(300);

pub(crate) const RECORDED: &str = "\
HTTP/1.1 200 OK\r
content-type: text/plain; charset=utf-8\r
content-length: 3\r
\r
ok
";

/// What everybody gets whose request is not a webhook, whatever is wrong with it.
pub(crate) const REFUSED: &str = "\
HTTP/1.1 400 Bad Request\r
content-type: text/plain; charset=utf-8\r
content-length: 12\r
\r
bad request
";

/// What is no HTTP is refused before anybody looks at it.
pub(crate) const NOT_HTTP: &str = "\
HTTP/1.1 400 Bad Request\r
connection: close\r
content-length: 0\r
\r
";

pub(crate) const HEAD_TOO_LARGE: &str = "\
HTTP/1.1 431 Request Header Fields Too Large\r
connection: close\r
content-length: 0\r
\r
";

pub(crate) const BODY_TOO_LARGE: &str = "\
HTTP/1.1 413 Payload Too Large\r
connection: close\r
content-length: 0\r
\r
";

pub(crate) const NOT_NOW: &str = "\
HTTP/1.1 503 Service Unavailable\r
content-type: text/plain; charset=utf-8\r
retry-after: 30\r
content-length: 8\r
\r
not now
";

/// A connection to the intake.
pub(crate) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    pub(crate) fn to(house: &House) -> Self {
        let address = house.engine().webhooks.strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(address.split('/').next().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// Sends all of `bytes`; whether somebody still took them.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Ends our side; the other may still answer.
    pub(crate) fn end(&mut self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// The next answer as it came, but for the date; empty when the connection ended instead.
    pub(crate) fn answer(&mut self) -> String {
        self.answer_with_body(true)
    }

    /// The answer to a HEAD request, which announces a body and brings none.
    pub(crate) fn answer_to_head(&mut self) -> String {
        self.answer_with_body(false)
    }

    /// The next bytes, which must be these; for what comes before an answer.
    pub(crate) fn expect(&mut self, bytes: &[u8]) {
        while self.unread.len() < bytes.len() && self.read_on() {}
        let rest = self.unread.split_off(bytes.len().min(self.unread.len()));
        assert_eq!(
            String::from_utf8_lossy(&self.unread),
            String::from_utf8_lossy(bytes)
        );
        self.unread = rest;
    }

    /// Waits for the other side to end the connection, with nothing more to say.
    pub(crate) fn expect_end(&mut self) {
        while self.read_on() {}
        assert_eq!(String::from_utf8_lossy(&self.unread), "");
    }

    /// Waits a while for nothing to come.
    pub(crate) fn expect_silence(&mut self) {
        self.stream.set_read_timeout(Some(A_WHILE)).unwrap();
        let heard = self.stream.peek(&mut [0; 1]).map_err(|it| it.kind());
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(heard, Err(ErrorKind::WouldBlock));
    }

    fn answer_with_body(&mut self, has_body: bool) -> String {
        let head_end = loop {
            let found = self.unread.windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(at) = found {
                break at + 4;
            }
            if !self.read_on() {
                assert_eq!(String::from_utf8_lossy(&self.unread), "", "half an answer");
                return String::new();
            }
        };
        let head: String = String::from_utf8(self.unread.drain(..head_end).collect()).unwrap();
        let length = head
            .lines()
            .find_map(|it| it.strip_prefix("content-length: "));
        let length = length
            .filter(|_| has_body)
            .map_or(0, |it| it.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.read_on(), "half a body");
        }
        let body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        let lines = head.split_inclusive('\n');
        lines
            .filter(|it| !it.starts_with("date: "))
            .collect::<String>()
            + &body
    }

    /// Whether more came, and not the end.
    fn read_on(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => false,
            Ok(n_bytes) => {
                self.unread.extend(&bytes[..n_bytes]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing comes: {error}"),
        }
    }
}

/// Sends `bytes` on a connection of their own and returns the answer.
pub(crate) fn ask(house: &House, bytes: &[u8]) -> String {
    let mut wire = Wire::to(house);
    wire.send(bytes);
    wire.answer()
}

/// Ids of the webhooks that were taken in, in the order of their coming.
pub(crate) fn received(house: &House) -> Vec<String> {
    let events = house.json(&["events", "--limit", "1000"]);
    let events = events.as_array().unwrap().iter().rev();
    let webhooks = events.filter(|it| it["source"] == "webhook");
    webhooks
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The engine is there, and takes requests.
#[track_caller]
pub(crate) fn assert_healthy(house: &House) {
    assert_eq!(
        ask(house, b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n"),
        RECORDED
    );
}

/// A webhook, with everything about it that a test may want otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) path: String,
    pub(crate) id: String,
    /// `svix` or `webhook`.
    pub(crate) family: &'static str,
    pub(crate) secret: String,
    /// How far its clock is from ours.
    pub(crate) seconds_ahead: i64,
    pub(crate) body: Vec<u8>,
}

impl Webhook {
    /// One as Amps sends it.
    pub(crate) fn new(id: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            path: "/webhooks/amps".to_owned(),
            id: id.to_owned(),
            family: "svix",
            secret: WEBHOOK_SECRET.to_owned(),
            seconds_ahead: 0,
            body: body.into(),
        }
    }

    pub(crate) fn seconds(&self) -> i64 {
        Clock::System.now().as_second() + self.seconds_ahead
    }

    pub(crate) fn signature(&self, seconds: i64) -> String {
        let key = Key::parse(&Secret::new(self.secret.clone())).unwrap();
        signature::sign(&key, &self.id, seconds, &self.body)
    }

    /// The names and values of its three headers.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let seconds = self.seconds();
        vec![
            (format!("{}-id", self.family), self.id.clone()),
            (format!("{}-timestamp", self.family), seconds.to_string()),
            (
                format!("{}-signature", self.family),
                self.signature(seconds),
            ),
        ]
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_with(&self.headers())
    }

    /// The request with these headers in the place of its own.
    pub(crate) fn bytes_with(&self, headers: &[(String, String)]) -> Vec<u8> {
        let length = ("content-length".to_owned(), self.body.len().to_string());
        let mut bytes = self.head(&[headers, &[length]].concat());
        bytes.extend(&self.body);
        bytes
    }

    /// The request in chunks, without a length, and with the end of the body where it should be.
    pub(crate) fn bytes_in_chunks(&self, chunk: usize) -> Vec<u8> {
        let encoding = ("transfer-encoding".to_owned(), "chunked".to_owned());
        let mut bytes = self.head(&[self.headers(), vec![encoding]].concat());
        for piece in self.body.chunks(chunk) {
            bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
            bytes.extend(piece);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        bytes
    }

    /// The request up to its body.
    pub(crate) fn head(&self, headers: &[(String, String)]) -> Vec<u8> {
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let lines: String = lines.collect();
        format!("POST {} HTTP/1.1\r\nhost: h\r\n{lines}\r\n", self.path).into_bytes()
    }
}
