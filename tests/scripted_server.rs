//! A server on loopback that follows a script, one reply a request, and keeps what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to one request.
pub(crate) enum Reply {
    /// These bytes, and the connection stays open for the next request.
    Answer(String),
    /// These bytes, and the connection is closed.
    Last(String),
    /// The connection is closed without an answer.
    HangUp,
    /// Nothing, for as long as the other side waits.
    Silence,
    /// These bytes before anything was asked, as a server does that speaks another protocol.
    Greeting(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// From 1, in the order of connecting.
    pub(crate) connection: usize,
    /// `POST /battery/dev_1`
    pub(crate) line: String,
    /// With names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

type Script = Arc<Mutex<VecDeque<Reply>>>;

impl Server {
    pub(crate) async fn start(script: impl Into<VecDeque<Reply>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script: Script = Arc::new(Mutex::new(script.into()));
        let requests = Arc::default();
        let log = Arc::clone(&requests);
        tokio::spawn(async move {
            for connection in 1.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                tokio::spawn(converse(stream, connection, script, log));
            }
        });
        Self { address, requests }
    }

    /// A server that gives one answer.
    pub(crate) async fn answering(status: &str, body: &str) -> Self {
        Self::start([Reply::Answer(response(status, "", body))]).await
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The request lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|it| it.line).collect()
    }

    /// The only request so far.
    #[track_caller]
    pub(crate) fn request(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

/// A whole HTTP answer; `headers` are lines that end in `\r\n`.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

async fn converse(
    mut stream: TcpStream,
    connection: usize,
    script: Script,
    log: Arc<Mutex<Vec<Request>>>,
) {
    if let Some(greeting) = greeting(&script) {
        stream.write_all(greeting.as_bytes()).await.unwrap();
    }
    while let Some(request) = read(&mut stream, connection).await {
        log.lock().unwrap().push(request);
        let reply = script.lock().unwrap().pop_front();
        match reply.expect("the script has a reply for each request") {
            Reply::Answer(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
            Reply::Last(bytes) => return stream.write_all(bytes.as_bytes()).await.unwrap(),
            Reply::HangUp | Reply::Greeting(_) => return,
            Reply::Silence => std::future::pending().await,
        }
    }
}

/// Takes a greeting off the script, if that is what comes next.
fn greeting(script: &Script) -> Option<String> {
    let mut script = script.lock().unwrap();
    let Reply::Greeting(bytes) = script.front()? else {
        return None;
    };
    let bytes = bytes.clone();
    script.pop_front();
    Some(bytes)
}

/// The next request; none when the other side is done, or does not speak HTTP.
async fn read(stream: &mut TcpStream, connection: usize) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let (line, fields) = head.split_once("\r\n").unwrap();
    let headers: BTreeMap<_, _> = fields
        .split("\r\n")
        .map(|field| field.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length");
    let length = length.map_or(0, |it| it.parse().unwrap());
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        assert_ne!(
            stream.read_buf(&mut body).await.ok()?,
            0,
            "the request was cut"
        );
    }
    Some(Request {
        connection,
        line: line.strip_suffix(" HTTP/1.1").unwrap().to_owned(),
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
