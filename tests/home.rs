//! The harness: a home in a folder of its own, a pretend Amps, and the engine as a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use amps_rules::app::App;
use amps_rules::clock::Clock;
use amps_rules::config::environment::Environment;
use amps_rules::config::names::Names;
use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::{self, Key};
use amps_rules::simulator::ledger::RequestRecord;
use amps_rules::simulator::{Running, Settings, Simulator, WebhookTarget};
use amps_rules::{config, rules};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const API_KEY: &str = "sk_test_simulated";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_c2ltdWxhdG9yLW9uLXRoaXMtbWFjaGluZQ==";

/// The whole text of a home's settings; `AMPS` is where its Amps is.
const SETTINGS: &str = "\
version: 1
home:
  name: Rose Cottage
  timezone: Europe/London
amps:
  base_url: AMPS
  api_key: !secret amps_api_key
  request_timeout: 1s
  look_up_after: 1s
  in_doubt_for: 2s
intake:
  listen: 127.0.0.1:0
  secrets: [!secret amps_webhook_secret]
devices:
  house_battery: {type: battery, id: dev_abc123, poll: 1h}
  car_charger: {type: ev_charger, id: dev_ev001, poll: 1h}
notifiers:
  phone: {type: webhook, url: AMPS/_simulator/phone}
";

/// Battery charged, so charge the car, and say so.
pub(crate) const CAR_AFTER_BATTERY: &str = "\
version: 1
rules:
  - id: car-after-battery
    triggers:
      - trigger: command
        device: house_battery
        command: charge
    actions:
      - command: charge
        device: car_charger
        retry: {attempts: 3, backoff: 1s}
      - notify: phone
        message: the car is charging
";

/// How much faster than life the pretend Amps is: ten seconds are a tenth of one.
const SPEED: f64 = 100.0;

/// What takes longer than this will not happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a program may take to end when it is told to.
const STOP_WAIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(crate) struct House {
    pub(crate) dir: TempDir,
    pub(crate) amps: Running,
    engine: Option<Engine>,
}

pub(crate) struct Engine {
    child: Child,
    /// All that it says on standard error, once it has ended.
    log: JoinHandle<String>,
    /// Where it takes webhooks in.
    pub(crate) webhooks: String,
}

impl House {
    /// A home with these rules, its Amps, and its engine at work.
    pub(crate) async fn start(rules: &str) -> Self {
        let mut house = Self::without_engine(rules).await;
        house.start_engine();
        house
    }

    pub(crate) async fn without_engine(rules: &str) -> Self {
        Self::with_amps(
            Settings {
                speed: SPEED,
                ..Settings::house()
            },
            rules,
        )
        .await
    }

    /// A home whose Amps is as fast as life, on this clock.
    pub(crate) async fn on_clock(rules: &str, clock: Clock) -> Self {
        Self::with_amps(
            Settings {
                clock,
                ..Settings::house()
            },
            rules,
        )
        .await
    }

    async fn with_amps(settings: Settings, rules: &str) -> Self {
        let settings = Settings {
            api_key: Secret::new(API_KEY),
            ..settings
        };
        let amps = Simulator::start(settings).await.unwrap();
        let dir = home(&SETTINGS.replace("AMPS", &amps.url()), rules);
        Self {
            dir,
            amps,
            engine: None,
        }
    }

    pub(crate) fn start_engine(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_amps-rules"));
        command
            .args(["--log", "info", "run", "--home"])
            .arg(self.dir.path());
        self.start_engine_as(command);
    }

    /// Starts the engine by `command`, and sends the webhooks of Amps to it.
    pub(crate) fn start_engine_as(&mut self, command: Command) {
        let engine = Engine::start(command);
        let target = WebhookTarget {
            url: engine.webhooks.clone(),
            secret: Secret::new(WEBHOOK_SECRET),
            path_per_event: false,
        };
        self.amps.set_target(target).unwrap();
        self.engine = Some(engine);
    }

    /// Changes a file of the home.
    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        let path = self.dir.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, change(text)).unwrap();
    }

    /// SIGKILL: nothing in the process gets to know of it.
    pub(crate) fn kill_engine(&mut self) {
        let mut engine = self.engine.take().unwrap();
        engine.child.kill().unwrap();
        engine.child.wait().unwrap();
    }

    /// SIGTERM; returns how the process ended, which it must within ten seconds.
    pub(crate) async fn stop_engine(&mut self) -> Option<i32> {
        let mut engine = self.engine.take().unwrap();
        engine.terminate();
        for _ in 0..STOP_WAIT.as_millis() / LOOK_EVERY.as_millis() {
            if let Some(status) = engine.child.try_wait().unwrap() {
                return status.code();
            }
            Clock::System.sleep(LOOK_EVERY).await;
        }
        engine.child.kill().unwrap();
        panic!("the engine did not end within {STOP_WAIT:?}");
    }

    /// SIGTERM; returns all that the engine said on standard error.
    pub(crate) fn stop_engine_for_its_log(&mut self) -> String {
        let mut engine = self.engine.take().unwrap();
        engine.terminate();
        engine.child.wait().unwrap();
        engine.log.join().unwrap()
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    /// Runs the command line on this home.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_amps-rules"));
        command
            .arg("--home")
            .arg(self.dir.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// What a list or `show` says as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.cli(&[arguments, &["--json"]].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The only command of this home; none while there is none.
    pub(crate) fn command(&self) -> Option<Value> {
        let commands = self.json(&["commands"]);
        let commands = commands.as_array().unwrap();
        assert!(commands.len() <= 1, "{commands:?}");
        commands.first().cloned()
    }

    /// Waits for the only command to be in `state`, and returns it.
    pub(crate) async fn command_in(&self, state: &str) -> Value {
        until(&format!("the command is {state}"), || {
            self.command().filter(|command| command["state"] == state)
        })
        .await
    }

    /// Waits for the newest run to have ended as `state`, and returns it.
    pub(crate) async fn run_in(&self, state: &str) -> Value {
        until(&format!("the run is {state}"), || {
            self.json(&["runs"])
                .get(0)
                .filter(|run| run["state"] == state)
                .cloned()
        })
        .await
    }

    /// Starts the engine inside this process, on `clock`, and sends the webhooks of Amps to it.
    pub(crate) async fn engine_here(&self, clock: Clock) -> App {
        let home = config::load(self.dir.path(), &Environment::default())
            .home
            .unwrap();
        let (files, _) = config::rule_files(&home.dir);
        let loaded = rules::load(&files, &Names::of(&home));
        assert_eq!(loaded.diagnostics, []);
        let app = App::start(&home, loaded, clock).await.unwrap();
        let target = WebhookTarget {
            url: format!("http://{}/webhooks/amps", app.address()),
            secret: Secret::new(WEBHOOK_SECRET),
            path_per_event: false,
        };
        self.amps.set_target(target).unwrap();
        app
    }

    /// Pushes that the pretend Amps was asked for, whatever it answered.
    pub(crate) fn pushes(&self) -> Vec<RequestRecord> {
        let requests = self.amps.requests().into_iter();
        requests
            .filter(|it| it.method == "POST" && it.path == "/ev-charger/dev_ev001")
            .collect()
    }

    /// Pushes that the pretend Amps carried out.
    pub(crate) fn accepted_pushes(&self) -> usize {
        self.pushes()
            .iter()
            .filter(|it| it.accepted_action.is_some())
            .count()
    }

    /// Amps keeps its webhooks back.
    pub(crate) fn hold_webhooks(&self) {
        self.amps
            .control("POST", "/webhooks/hold", &Value::Null)
            .unwrap();
    }

    pub(crate) fn release_webhooks(&self) {
        self.amps
            .control("POST", "/webhooks/release", &Value::Null)
            .unwrap();
    }

    /// What becomes of the next push to the charger.
    pub(crate) fn fault_push(&self, fault: Value) {
        let rule = json!({"method": "POST", "path": "/ev-charger", "fault": fault});
        self.fault("requests", &rule);
    }

    pub(crate) fn fault(&self, kind: &str, fault: &Value) {
        self.amps
            .control("POST", &format!("/faults/{kind}"), fault)
            .unwrap();
    }

    /// What the phone heard.
    pub(crate) fn phone(&self) -> Vec<Value> {
        let phone = self.amps.control("GET", "/phone", &Value::Null).unwrap();
        phone["messages"].as_array().unwrap().clone()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            engine.child.kill().unwrap();
            engine.child.wait().unwrap();
        }
    }
}

impl Engine {
    /// Starts the engine and waits until it takes webhooks in.
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let webhooks = loop {
            let before = said.len();
            assert_ne!(
                lines.read_line(&mut said).unwrap(),
                0,
                "the engine ended:\n{said}"
            );
            if let Some((_, address)) = said[before..].split_once("webhooks at ") {
                break address.trim().to_owned();
            }
        };
        // Read on, or the engine would wait for somebody to read its log.
        let log = std::thread::spawn(move || said + &text(lines));
        Self {
            child,
            log,
            webhooks,
        }
    }

    fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
    }
}

/// A folder with a home.
pub(crate) fn home(settings: &str, rules: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("home.yaml"), settings).unwrap();
    let secrets =
        format!("version: 1\namps_api_key: {API_KEY}\namps_webhook_secret: {WEBHOOK_SECRET}\n");
    let path = dir.path().join("secrets.yaml");
    fs::write(&path, secrets).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(dir.path().join("rules")).unwrap();
    fs::write(dir.path().join("rules/rules.yaml"), rules).unwrap();
    dir
}

/// Waits for `found` to find something.
pub(crate) async fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let rounds = PATIENCE.as_millis() / LOOK_EVERY.as_millis();
    for _ in 0..rounds {
        if let Some(found) = found() {
            return found;
        }
        Clock::System.sleep(LOOK_EVERY).await;
    }
    panic!("it never came to be that {what}");
}

/// Posts `body` to `url`, signed as Amps signs, under the delivery id `id`.
pub(crate) async fn post(url: &str, id: &str, body: &[u8]) -> reqwest::Response {
    let now = Clock::System.now().as_second();
    let key = Key::parse(&Secret::new(WEBHOOK_SECRET)).unwrap();
    client()
        .post(url)
        .header("svix-id", id)
        .header("svix-timestamp", now)
        .header("svix-signature", signature::sign(&key, id, now, body))
        .body(body.to_vec())
        .send()
        .await
        .unwrap()
}

/// A client that needs no certificates: everything here is loopback.
pub(crate) fn client() -> reqwest::Client {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .unwrap()
}

/// The end of a battery's charge, as the newest generation tells of it.
pub(crate) fn battery_charged(action: &str) -> Value {
    json!({
        "actionId": action, "deviceId": "dev_abc123", "deviceType": "battery",
        "command": "charge", "parameters": null, "result": {"success": true},
        "completedAt": "2026-06-10T08:00:00.000Z",
    })
}

/// All that comes out of `stream`.
pub(crate) fn text(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The bytes of all files in `dir`, for looking for what must not be there.
pub(crate) fn contents(dir: &Path) -> Vec<u8> {
    let paths = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file())
        .flat_map(|path| fs::read(path).unwrap())
        .collect()
}
