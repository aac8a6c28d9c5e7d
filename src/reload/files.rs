//! The files of a home as they are now, checked against what the running engine knows of its home.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::config::environment::Environment;
use crate::config::home::Home;
use crate::config::names::Names;
use crate::config::{self};
use crate::document::diagnostic::Diagnostic;
use crate::document::render::{self, Style};
use crate::document::source::SourceFile;
use crate::reload::Broken;
use crate::rules;
use crate::rules::last_good;
use crate::rules::rule::RuleSet;

/// What the files came to.
pub(super) struct Read {
    pub(super) rules: RuleSet,
    pub(super) broken: Vec<Broken>,
    /// What is wrong with the rules, for people; empty when nothing is.
    pub(super) problems: String,
    /// Keys of `home.yaml` that say something else than at the start.
    pub(super) waiting: Vec<String>,
    /// Of all that was read: the same again for files that say the same.
    pub(super) digest: u64,
}

/// Nothing can be taken over: `home.yaml` is broken. Why, for people.
pub(super) struct HomeIsBroken {
    pub(super) problems: String,
    pub(super) digest: u64,
}

const NO_FOLDER: &str = "error: the folder `rules` is missing; all rules stay as they were\n";

/// Reads the files of `home`, which is as it was at the start, with `in_force` the rules until now.
pub(super) fn read(home: &Home, in_force: &RuleSet) -> Result<Read, HomeIsBroken> {
    let now = config::load(&home.dir, &Environment::of_process());
    let (files, unreadable) = config::rule_files(&home.dir);
    let digest = digest([&now.sources, &files], &unreadable);
    let Some(new_home) = now.home else {
        let problems = errors(&now.diagnostics, &now.sources);
        return Err(HomeIsBroken { problems, digest });
    };
    let names = Names::of(home);
    let loaded = rules::load(&files, &names);
    let mut diagnostics = unreadable;
    diagnostics.extend(loaded.diagnostics.iter().cloned());
    let mut problems = errors(&diagnostics, &files);
    if config::is_without_rules(&home.dir) && !in_force.rules.is_empty() {
        problems.push_str(NO_FOLDER);
        tracing::error!("the folder `rules` is missing; all rules stay as they were");
    }
    let mut broken: Vec<Broken> = loaded.broken.iter().map(Broken::from).collect();
    let rules = last_good::complete(loaded, &in_force.rules, &names, |file| {
        config::is_there(&home.dir, file)
    });
    Broken::note_staying(&mut broken, &rules);
    Ok(Read {
        rules,
        broken,
        problems,
        waiting: home.differs_from(&new_home),
        digest,
    })
}

/// What keeps things from working; advice is for `check`.
fn errors(diagnostics: &[Diagnostic], sources: &[SourceFile]) -> String {
    let errors = diagnostics.iter().filter(|it| it.is_error());
    let errors: Vec<_> = errors.cloned().collect();
    render::text(&errors, sources, Style::Plain)
}

fn digest(sources: [&[SourceFile]; 2], unreadable: &[Diagnostic]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for source in sources.into_iter().flatten() {
        (&source.name, &source.text).hash(&mut hasher);
        source.defect.is_some().hash(&mut hasher);
    }
    for diagnostic in unreadable {
        diagnostic.message.hash(&mut hasher);
    }
    hasher.finish()
}
