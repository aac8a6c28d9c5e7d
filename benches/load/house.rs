//! A generated home, its pretend Amps, and the engine as a process of its own.

use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::amps::{self, Push};
use crate::client::SECRET;
use crate::{PAIRS, folder, now, pause};

/// A file of rules may have so many that it stays below the bounds of a file.
const RULES_PER_FILE: usize = 500;

/// After a start, for the first reading of each device.
const REST: Duration = Duration::from_millis(500);

/// Devices that the further rules listen to.
const OTHER_DEVICES: usize = 50;

pub(crate) struct House {
    dir: TempDir,
    pub(crate) engine: Process,
    pub(crate) pushes: UnboundedReceiver<Push>,
}

impl House {
    /// A home with a rule for each pair and `n_others` rules that listen to other devices, at work.
    pub(crate) fn start(engine: &Path, n_others: usize) -> Self {
        let (amps, pushes) = amps::start();
        let dir = folder();
        furnish(dir.path(), amps, n_others);
        let mut command = Command::new(engine);
        command
            .arg("--home")
            .arg(dir.path())
            .args(["--log", "warn", "run"])
            .stderr(Stdio::piped());
        let engine = Process::start(command, |child| Box::new(child.stderr.take().unwrap()));
        pause(REST);
        Self {
            dir,
            engine,
            pushes,
        }
    }

    /// What a query for one number says about the engine's tables.
    pub(crate) fn count(&self, sql: &str) -> usize {
        let path = self.dir.path().join("state/amps-rules.db");
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let count: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        usize::try_from(count).unwrap()
    }
}

fn furnish(dir: &Path, amps: SocketAddr, n_others: usize) {
    let mut settings = format!(
        "version: 1\nhome:\n  name: Load\n  timezone: Europe/London\n\
         amps:\n  base_url: http://{amps}\n  api_key: !secret amps_api_key\n\
         intake:\n  listen: 127.0.0.1:0\n  secrets: [!secret amps_webhook_secret]\n\
         devices:\n"
    );
    for pair in 0..PAIRS {
        let (battery, charger) = (device("battery", pair), device("charger", pair));
        writeln!(
            settings,
            "  battery_{pair}: {{type: battery, id: {battery}, poll: 1h}}"
        )
        .unwrap();
        writeln!(
            settings,
            "  charger_{pair}: {{type: ev_charger, id: {charger}, poll: 1h}}"
        )
        .unwrap();
    }
    for other in 0..OTHER_DEVICES {
        writeln!(
            settings,
            "  other_{other}: {{type: battery, id: dev_other_{other}, poll: 1h}}"
        )
        .unwrap();
    }
    settings += "limits: {commands_per_minute: 60000, runs_per_rule: {count: 1000, within: 1s}}\n";
    fs::write(dir.join("home.yaml"), settings).unwrap();
    let secrets = dir.join("secrets.yaml");
    let text = format!("version: 1\namps_api_key: sk_test_load\namps_webhook_secret: {SECRET}\n");
    fs::write(&secrets, text).unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(dir.join("rules")).unwrap();
    let pairs = (0..PAIRS).map(|it| rule(&format!("pair-{it}"), &format!("battery_{it}"), it));
    let others = (0..n_others).map(|it| {
        let listens_to = format!("other_{}", it % OTHER_DEVICES);
        rule(&format!("other-{it}"), &listens_to, it % PAIRS)
    });
    let rules: Vec<_> = pairs.chain(others).collect();
    for (number, rules) in rules.chunks(RULES_PER_FILE).enumerate() {
        let text = format!("version: 1\nrules:\n{}", rules.concat());
        fs::write(dir.join(format!("rules/rules-{number}.yaml")), text).unwrap();
    }
}

fn rule(id: &str, listens_to: &str, charger: usize) -> String {
    format!(
        "  - id: {id}\n    triggers:\n      - {{trigger: command, device: {listens_to}, command: charge}}\n    \
         actions:\n      - {{command: charge, device: charger_{charger}}}\n"
    )
}

/// The id of a device of a pair.
pub(crate) fn device(kind: &str, pair: usize) -> String {
    format!("dev_{kind}_{pair}")
}

/// A server that is measured.
pub(crate) struct Process {
    child: Child,
    /// Where it takes webhooks in.
    pub(crate) address: SocketAddr,
    /// From start to ready.
    pub(crate) start: Duration,
}

impl Process {
    /// Starts it and waits until it says where its `webhooks at` are, on the stream that `output` takes.
    pub(crate) fn start(
        mut command: Command,
        output: impl Fn(&mut Child) -> Box<dyn Read + Send>,
    ) -> Self {
        let begun: Instant = now();
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(output(&mut child));
        let mut said = String::new();
        let address = loop {
            let before = said.len();
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "it ended:\n{said}");
            if let Some((_, address)) = said[before..].split_once("webhooks at ") {
                let address = address.trim().trim_start_matches("http://");
                break address.split('/').next().unwrap().parse().unwrap();
            }
        };
        let start = begun.elapsed();
        // Read on, or it would wait for somebody to read; show what it complains of.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::stderr()).unwrap());
        Self {
            child,
            address,
            start,
        }
    }

    /// Memory in use, in MB.
    pub(crate) fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|it| it.strip_prefix("VmRSS:"))
            .unwrap();
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib / 1024.0
    }

    /// Bytes that it sent to the disk so far.
    pub(crate) fn written(&self) -> usize {
        let io = fs::read_to_string(format!("/proc/{}/io", self.child.id())).unwrap();
        let line = io.lines().find_map(|it| it.strip_prefix("write_bytes: "));
        line.unwrap().parse().unwrap()
    }

    /// What `measured` gives, and what the processors did meanwhile.
    pub(crate) fn watch<T>(&self, measured: impl FnOnce() -> T) -> (T, Usage) {
        let before = self.seen();
        let begun = now();
        let result = measured();
        let took = begun.elapsed();
        let after = self.seen();
        let spent = after.own - before.own;
        let others = (after.all - before.all) - spent - (after.load - before.load);
        let usage = Usage {
            spent,
            others: (others / took.as_secs_f64()).max(0.0),
        };
        (result, usage)
    }

    fn seen(&self) -> Seen {
        let all = fs::read_to_string("/proc/stat").unwrap();
        let fields: Vec<f64> = all
            .lines()
            .next()
            .unwrap()
            .split_whitespace()
            .skip(1)
            .map(|it| it.parse().unwrap())
            .collect();
        // Without idle and waiting for the disk.
        let busy = [0, 1, 2, 5, 6, 7]
            .map(|it: usize| fields[it])
            .iter()
            .sum::<f64>();
        Seen {
            all: busy / TICKS_PER_SECOND,
            own: spent_by(&self.child.id().to_string()),
            load: spent_by("self"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What the processors did during a measurement.
pub(crate) struct Usage {
    /// Seconds of processor time that the measured process took.
    pub(crate) spent: f64,
    /// Processors that programs which are no part of this kept busy.
    pub(crate) others: f64,
}

/// Seconds of processor time so far.
struct Seen {
    all: f64,
    own: f64,
    load: f64,
}

/// `USER_HZ`, which Linux has fixed.
const TICKS_PER_SECOND: f64 = 100.0;

fn spent_by(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name may have spaces; fields are counted from behind it.
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    fields
        .skip(11)
        .take(2)
        .map(|it| it.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS_PER_SECOND
}
