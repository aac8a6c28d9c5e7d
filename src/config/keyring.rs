//! The secrets that rules may send along: looked up when they are needed, and never kept.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::config::environment::{Environment, suffix};
use crate::config::secrets::Secrets;
use crate::domain::secret::Secret;

/// Where the secrets of a home are, but for those that home.yaml itself uses.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    dir: PathBuf,
    environment: Environment,
    kept: KeptSecrets,
}

/// The secrets that home.yaml uses: they belong to Amps, to its webhooks and to notifiers, and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptSecrets(BTreeSet<String>);

impl KeptSecrets {
    /// Whether `name` leads to one of them, in whatever way it is written.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(&suffix(name))
    }

    pub(super) fn insert(&mut self, name: &str) {
        self.0.insert(suffix(name));
    }
}

impl Keyring {
    pub(super) fn new(dir: PathBuf, environment: Environment, kept: KeptSecrets) -> Self {
        Self {
            dir,
            environment,
            kept,
        }
    }

    pub(super) fn kept(&self) -> &KeptSecrets {
        &self.kept
    }

    /// The secret `name` as it is now; none when it is not found, no header can have it, or it is kept.
    pub fn find(&self, name: &str) -> Option<Secret> {
        if self.kept.contains(name) {
            return None;
        }
        let (secrets, _) = Secrets::open(&self.dir, &self.environment, &mut Vec::new());
        secrets.find(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_as_it_is_now_unless_home_yaml_uses_it() {
        let dir = tempfile::tempdir().unwrap();
        let environment = Environment::from_variables([
            (
                "AMPS_RULES_SECRET_PANEL".to_owned(),
                "of-process".to_owned(),
            ),
            ("AMPS_RULES_SECRET_API_KEY".to_owned(), "sk".to_owned()),
            ("AMPS_RULES_SECRET_BAD".to_owned(), "a\nb".to_owned()),
        ]);
        let mut kept = KeptSecrets::default();
        kept.insert("api_key");
        let keyring = Keyring::new(dir.path().to_owned(), environment, kept);
        let find = |name: &str| keyring.find(name).map(|it| it.expose().to_owned());
        assert_eq!(find("panel"), Some("of-process".to_owned()));
        assert_eq!(find("api_key"), None);
        assert_eq!(find("API-KEY"), None);
        assert_eq!(find("bad"), None);
        assert_eq!(find("other"), None);
        let path = dir.path().join("secrets.yaml");
        std::fs::write(&path, "version: 1\nother: of-file\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).unwrap();
        assert_eq!(find("other"), Some("of-file".to_owned()));
    }
}
