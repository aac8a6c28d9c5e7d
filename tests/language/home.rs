//! What `home.yaml` means: every setting by value, every source of secrets in its order.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use amps_rules::config::environment::Environment;
use amps_rules::config::home::{Home, Notifier};
use amps_rules::config::{self, Loaded};
use amps_rules::domain::id::{DeviceAlias, NotifierName};
use amps_rules::domain::secret::Secret;

use crate::diagnostics::{environment, home_text};

fn folder(home: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("home.yaml"), home).unwrap();
    dir
}

fn write_secrets(dir: &Path, text: &str) {
    let path = dir.join("secrets.yaml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[track_caller]
fn whole(loaded: Loaded) -> Home {
    assert_eq!(loaded.diagnostics, []);
    loaded.home.unwrap()
}

#[test]
fn a_home_that_says_little_gets_the_defaults() {
    let dir = folder(&home_text());
    let home = whole(config::load(dir.path(), &environment()));
    assert_eq!(home.dir, dir.path());
    assert_eq!(home.name, "Rose Cottage");
    assert_eq!(home.timezone.iana_name(), Some("Europe/London"));
    assert_eq!(home.amps.base_url, "https://api.amps.ai");
    assert_eq!(home.amps.api_key.expose(), "sk_test_1");
    assert_eq!(home.amps.request_timeout, Duration::from_secs(10));
    assert_eq!(home.amps.look_up_after, Duration::from_secs(30));
    assert_eq!(home.intake.listen.to_string(), "127.0.0.1:8787");
    let secrets = home.intake.secrets.iter().map(Secret::expose);
    assert_eq!(secrets.collect::<Vec<_>>(), ["whsec_c2VjcmV0"]);
    let battery = &home.devices[&DeviceAlias::new("house_battery")];
    assert_eq!(battery.device, super::device("house_battery"));
    assert_eq!(battery.poll, Duration::from_mins(5));
    assert_eq!(home.devices.len(), 5);
    let Notifier::Ntfy { url, token: None } = &home.notifiers[&NotifierName::new("phone")] else {
        panic!("{:?}", home.notifiers);
    };
    assert_eq!(url, "https://ntfy.sh/rose-cottage-7f3");
}

#[test]
fn a_home_that_says_much_gets_what_it_says() {
    let dir = folder(
        "version: 1
home: {name: H, timezone: Australia/Sydney}
amps: {api_key: !secret amps_api_key, base_url: 'http://[::1]:9000/', request_timeout: 60s, look_up_after: 1h}
intake: {listen: '0.0.0.0:80', secrets: !secret amps_webhook_secret}
devices:
  roof: {type: solar_inverter, id: dev_pv01, poll: 24h}
notifiers:
  wall: {type: webhook, url: 'http://10.0.0.7/wall', token: !secret amps_api_key}
",
    );
    let home = whole(config::load(dir.path(), &environment()));
    assert_eq!(home.amps.base_url, "http://[::1]:9000");
    assert_eq!(home.amps.request_timeout, Duration::from_mins(1));
    assert_eq!(home.amps.look_up_after, Duration::from_hours(1));
    assert_eq!(home.intake.listen.to_string(), "0.0.0.0:80");
    assert_eq!(home.intake.secrets.len(), 1);
    let roof = &home.devices[&DeviceAlias::new("roof")];
    assert_eq!(roof.poll, Duration::from_hours(24));
    let wall = &home.notifiers[&NotifierName::new("wall")];
    let Notifier::Webhook { url, token } = wall else {
        panic!("{wall:?}");
    };
    assert_eq!(url, "http://10.0.0.7/wall");
    assert_eq!(token.as_ref().map(Secret::expose), Some("sk_test_1"));
}

#[test]
fn a_secret_is_asked_of_the_environment_then_of_systemd_then_of_the_file() {
    let dir = folder(&home_text().replace("amps_webhook_secret", "hook"));
    write_secrets(
        dir.path(),
        "version: 1\namps_api_key: of-the-file\nhook: whsec_c2VjcmV0\n",
    );
    let api_key = |environment: Environment| {
        let home = whole(config::load(dir.path(), &environment));
        home.amps.api_key.expose().to_owned()
    };
    assert_eq!(api_key(Environment::default()), "of-the-file");

    let credentials = tempfile::tempdir().unwrap();
    fs::write(credentials.path().join("amps_api_key"), "of-systemd\n").unwrap();
    let directory = (
        "CREDENTIALS_DIRECTORY".to_owned(),
        credentials.path().to_str().unwrap().to_owned(),
    );
    let of_systemd = Environment::from_variables([directory.clone()]);
    assert_eq!(api_key(of_systemd), "of-systemd");

    let variable = (
        "AMPS_RULES_SECRET_AMPS_API_KEY".to_owned(),
        "of-the-environment".to_owned(),
    );
    let of_both = Environment::from_variables([directory, variable]);
    assert_eq!(api_key(of_both), "of-the-environment");
}

#[test]
fn rules_can_be_checked_in_a_home_whose_secrets_are_elsewhere() {
    let dir = folder(&home_text());
    let loaded = config::load(dir.path(), &Environment::default());
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|it| it.code.name).collect();
    assert_eq!(codes, ["E211"; 4]);
    assert!(loaded.home.is_none());
    assert_eq!(loaded.names.devices.len(), 5);
    assert_eq!(loaded.names.notifiers.len(), 1);
    let timezone = loaded.names.timezone.unwrap();
    assert_eq!(timezone.iana_name(), Some("Europe/London"));
}
