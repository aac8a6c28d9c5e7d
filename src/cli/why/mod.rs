//! `why`: why a rule ran or did not, and what led to a command, a run or an event, and what came of it.
//! Read from the database, with the engine running or not.

mod at;
mod causes;
mod causes_text;
mod gone;
mod listens;
mod moment;
mod rule;

use std::io::Write;
use std::path::Path;

use crate::cli::Exit;
use crate::cli::arguments::WhyArguments;
use crate::cli::console::Console;
use crate::cli::standing::{self, Standing};
use crate::cli::words::Words;
use crate::clock::Clock;
use crate::document::suggest::closest;
use crate::domain::id::RuleId;
use crate::store::view::View;

/// Ids of each kind among which a mistyped one is looked for.
const NEAR_IDS_MAX: usize = 500;

/// What an answer is read from.
struct Known {
    /// None when no engine has ever run on this home.
    view: Option<View>,
    standing: Standing,
    words: Words,
}

pub(super) fn why(
    dir: &Path,
    arguments: &WhyArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let view = View::open(dir)?;
    let (words, names) = standing::words(dir, Clock::System.now());
    let standing = Standing::read(dir, &names, view.as_ref())?;
    let known = Known {
        view,
        standing,
        words,
    };
    let id = RuleId::new(arguments.id.as_str());
    let is_rule = known.standing.rules.contains_key(&id);
    if let (true, Some(at)) = (is_rule, &arguments.at) {
        let at = match at::parse(at, &known.words.zone, known.words.now) {
            Ok(at) => at,
            Err(error) => {
                writeln!(console.err, "error: {error}")?;
                return Ok(Exit::Usage);
            }
        };
        return tell(&moment::of(&known, &id, at)?, &known, arguments, console);
    }
    if is_rule {
        return tell(&rule::of(&known, &id)?, &known, arguments, console);
    }
    let causes = match &known.view {
        Some(view) => causes::of(view, &arguments.id)?,
        None => None,
    };
    match causes {
        None => match gone::of(&known, &id)? {
            Some(gone) => tell(&gone, &known, arguments, console),
            None => unknown(&known, arguments, console),
        },
        Some(_) if arguments.at.is_some() => {
            writeln!(console.err, "error: `--at` is for rules")?;
            Ok(Exit::Usage)
        }
        Some(causes) => tell(&causes, &known, arguments, console),
    }
}

/// An answer, as JSON and for people.
trait Answer: serde::Serialize {
    fn write(&self, known: &Known, out: &mut dyn Write) -> std::io::Result<()>;
}

fn tell(
    answer: &impl Answer,
    known: &Known,
    arguments: &WhyArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    if arguments.json {
        console.json(answer)?;
    } else {
        answer.write(known, &mut console.out)?;
    }
    Ok(Exit::Done)
}

fn unknown(known: &Known, arguments: &WhyArguments, console: &mut Console) -> anyhow::Result<Exit> {
    let id = &arguments.id;
    writeln!(
        console.err,
        "error: no rule, command, run or event has the id `{id}`"
    )?;
    let ids = match &known.view {
        Some(view) => view.newest_ids(NEAR_IDS_MAX)?,
        None => Vec::new(),
    };
    let rules = known.standing.rules.keys().map(RuleId::as_str);
    if let Some(near) = closest(id, rules.chain(ids.iter().map(String::as_str))) {
        writeln!(console.err, "  = help: did you mean `{near}`?")?;
    }
    Ok(Exit::Usage)
}
