//! Notifiers against a server that says exactly what the test wants.

use std::collections::BTreeMap;
use std::time::Duration;

use amps_rules::config::home::Notifier;
use amps_rules::domain::id::{NotificationId, NotifierName};
use amps_rules::domain::secret::Secret;
use amps_rules::notify::{Message, Notifiers, Sent};
use amps_rules::rules::rule::Level;

use crate::scripted_server::{Reply, Request, Server, response};

fn notifiers(notifier: Notifier) -> Notifiers {
    let by_name = BTreeMap::from([(NotifierName::new("phone"), notifier)]);
    Notifiers::try_new(&by_name).unwrap()
}

fn ntfy(url: String) -> Notifier {
    Notifier::Ntfy { url, token: None }
}

fn webhook(url: String) -> Notifier {
    Notifier::Webhook { url, token: None }
}

fn message(level: Level) -> Message {
    Message {
        id: NotificationId::new("ntf_1"),
        notifier: NotifierName::new("phone"),
        title: Some(String::from("Gerät: \"Haus\"\r\n🔋")),
        message: String::from("80 % → charging"),
        level,
    }
}

fn request(server: &Server, line: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let (length, host) = (body.len().to_string(), server.address.to_string());
    let agent = concat!("amps-rules/", env!("CARGO_PKG_VERSION"));
    let usual = [
        ("accept", "application/json"),
        ("content-length", &length),
        ("content-type", "application/json"),
        ("host", &host),
        ("user-agent", agent),
    ];
    let headers = usual.iter().chain(headers);
    Request {
        connection: 1,
        line: line.to_owned(),
        headers: headers
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}

#[tokio::test]
async fn ntfy_gets_any_text_unharmed_and_the_topic_in_the_body() {
    let server = Server::answering("200 OK", r#"{"id":"x"}"#).await;
    let notifiers = notifiers(Notifier::Ntfy {
        url: server.url("http") + "/my-home-7f",
        token: Some(Secret::new("tk_1")),
    });
    assert_eq!(
        notifiers.send(&message(Level::Warning)).await,
        Sent::Delivered
    );
    assert_eq!(
        server.request(),
        request(
            &server,
            "POST /",
            &[("authorization", "Bearer tk_1")],
            r#"{"topic":"my-home-7f","title":"Gerät: \"Haus\"\r\n🔋","message":"80 % → charging","priority":4}"#,
        )
    );
}

#[tokio::test]
async fn ntfy_learns_how_much_a_message_matters_and_needs_no_title() {
    for (level, priority) in [(Level::Info, 3), (Level::Warning, 4), (Level::Error, 5)] {
        let server = Server::answering("200 OK", "").await;
        let untitled = Message {
            title: None,
            ..message(level)
        };
        let notifiers = notifiers(ntfy(server.url("http") + "/base/my-home/"));
        assert_eq!(notifiers.send(&untitled).await, Sent::Delivered);
        let request = server.request();
        assert_eq!(request.line, "POST /base/");
        assert_eq!(
            request.body,
            format!(r#"{{"topic":"my-home","message":"80 % → charging","priority":{priority}}}"#)
        );
    }
}

#[tokio::test]
async fn a_long_message_is_cut_so_that_ntfy_shows_it() {
    let server = Server::answering("200 OK", "").await;
    let long = Message {
        title: Some("t".repeat(257)),
        message: "m".repeat(4097),
        ..message(Level::Info)
    };
    notifiers(ntfy(server.url("http") + "/a")).send(&long).await;
    let (title, message) = ("t".repeat(256), "m".repeat(4096));
    assert_eq!(
        server.request().body,
        format!(r#"{{"topic":"a","title":"{title}","message":"{message}","priority":3}}"#)
    );
}

#[tokio::test]
async fn a_webhook_gets_an_id_that_lets_it_drop_repeats() {
    let server = Server::answering("204 No Content", "").await;
    let notifiers = notifiers(Notifier::Webhook {
        url: server.url("http") + "/hook?key=1",
        token: Some(Secret::new("t")),
    });
    let untitled = Message {
        title: None,
        ..message(Level::Error)
    };
    assert_eq!(notifiers.send(&untitled).await, Sent::Delivered);
    assert_eq!(
        server.request(),
        request(
            &server,
            "POST /hook?key=1",
            &[("authorization", "Bearer t"), ("webhook-id", "ntf_1")],
            r#"{"id":"ntf_1","title":null,"message":"80 % → charging","level":"error"}"#,
        )
    );
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_given_up() {
    let again = |status: u16, after| Sent::Retry {
        reason: format!("127.0.0.1 answered with status {status}"),
        after,
    };
    let given_up = |status: u16| Sent::GiveUp {
        reason: format!("127.0.0.1 answered with status {status}"),
    };
    let minute = Some(Duration::from_mins(1));
    for (status, headers, expected) in [
        ("201 Created", "", Sent::Delivered),
        ("429 Too Many", "retry-after: 60\r\n", again(429, minute)),
        ("500 Oops", "", again(500, None)),
        ("503 Later", "retry-after: soon\r\n", again(503, None)),
        ("302 Found", "location: /elsewhere\r\n", given_up(302)),
        ("400 Bad", "", given_up(400)),
        ("401 Who", "retry-after: 60\r\n", given_up(401)),
        ("404 Not Found", "", given_up(404)),
        ("413 Too Large", "", given_up(413)),
    ] {
        let reply = Reply::Answer(response(status, headers, "about /my-secret-topic"));
        let server = Server::start(vec![reply]).await;
        let notifiers = notifiers(ntfy(server.url("http") + "/my-secret-topic"));
        assert_eq!(notifiers.send(&message(Level::Info)).await, expected);
        assert_eq!(server.lines(), ["POST /"]);
    }
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_tried_again_and_only_its_name_is_told() {
    let unreachable = String::from("http://user:word@127.0.0.1:1/my-secret-topic?auth=1");
    for notifier in [ntfy(unreachable.clone()), webhook(unreachable)] {
        assert_eq!(
            notifiers(notifier).send(&message(Level::Info)).await,
            Sent::Retry {
                reason: String::from("127.0.0.1: Connection refused (os error 111)"),
                after: None,
            }
        );
    }
    let server = Server::start(vec![Reply::HangUp]).await;
    let notifiers = notifiers(webhook(server.url("http") + "/my-secret-hook"));
    assert_eq!(
        notifiers.send(&message(Level::Info)).await,
        Sent::Retry {
            reason: String::from("127.0.0.1: connection closed before message completed"),
            after: None,
        }
    );
}

#[tokio::test]
async fn a_message_to_a_notifier_that_is_gone_is_given_up() {
    let none = Notifiers::try_new(&BTreeMap::new()).unwrap();
    assert_eq!(
        none.send(&message(Level::Info)).await,
        Sent::GiveUp {
            reason: String::from("there is no notifier `phone`"),
        }
    );
}

#[test]
fn settings_that_cannot_work_are_refused_without_telling_the_address() {
    let refused = |notifier| {
        let by_name = BTreeMap::from([(NotifierName::new("phone"), notifier)]);
        Notifiers::try_new(&by_name).unwrap_err().to_string()
    };
    assert_eq!(
        refused(ntfy(String::from("https://ntfy.sh/"))),
        "the address of notifier `phone` does not end in a topic"
    );
    assert_eq!(
        refused(webhook(String::from("my-secret-hook"))),
        "the address of notifier `phone` is not an http or https address"
    );
    assert_eq!(
        refused(Notifier::Webhook {
            url: String::from("https://example.org/hook"),
            token: Some(Secret::new("a\nb")),
        }),
        "the token of notifier `phone` has characters that no HTTP header can have"
    );
}

#[test]
fn notifiers_print_neither_topic_nor_token() {
    let notifiers = notifiers(Notifier::Ntfy {
        url: String::from("https://ntfy.sh/my-secret-topic"),
        token: Some(Secret::new("tk_1")),
    });
    let printed = format!("{notifiers:?}");
    for secret in ["my-secret-topic", "tk_1"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
