//! What the process was started with, as far as a home asks for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::domain::secret::Secret;

const SECRET_PREFIX: &str = "AMPS_RULES_SECRET_";

/// A value handed in, so that nobody else looks at the process.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// By variable name, without the prefix.
    secrets: BTreeMap<String, Secret>,
    /// Where systemd puts credentials.
    credentials: Option<PathBuf>,
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        Self::from_variables(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            if name == "CREDENTIALS_DIRECTORY" {
                environment.credentials = Some(PathBuf::from(value));
            } else if let Some(secret) = name.strip_prefix(SECRET_PREFIX) {
                let secret = secret.to_owned();
                environment.secrets.insert(secret, Secret::new(value));
            }
        }
        environment
    }

    /// What the variable for the secret `name` holds.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.get(&suffix(name))
    }

    pub fn credentials(&self) -> Option<&PathBuf> {
        self.credentials.as_ref()
    }
}

/// The variable that holds the secret `name`.
pub fn variable(name: &str) -> String {
    format!("{SECRET_PREFIX}{}", suffix(name))
}

pub(super) fn suffix(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_of_a_secret_is_upper_case_with_underscores() {
        assert_eq!(variable("amps-api_key"), "AMPS_RULES_SECRET_AMPS_API_KEY");
        let value = ("AMPS_RULES_SECRET_A_B".to_owned(), "x".to_owned());
        let environment = Environment::from_variables([value]);
        assert_eq!(environment.secret("a-b").map(Secret::expose), Some("x"));
        assert_eq!(environment.secret("ab").map(Secret::expose), None);
    }
}
