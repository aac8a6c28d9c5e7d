//! What Amps' answers mean for an order: the one table of its codes and statuses (`amps-api.md` §7, §8).
//!
//! A code decides where it is known, the status where it is not. An order is sent again without a look-up only
//! where the answer says plainly that it was not taken: after a status of the server's trouble, or a code that
//! leaves it open, it may have been carried out.

use std::fmt::Write;

/// What is to be done about an order that was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// For a reason that may pass: pushed again, as the step's `retry` says.
    Retry,
    /// Nobody was let in. A burst shows so too: with a key that has worked it is waited for as if Amps
    /// were out of reach; with one that never has, it is [`Meaning::GiveUp`].
    Unauthorized,
    /// It may have been carried out: looked up before anything is sent again.
    InDoubt,
    /// Another action holds the device: followed to its end, then pushed again.
    Wait,
    /// No number of attempts would help.
    GiveUp,
}

/// A code of the documents.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    pub name: &'static str,
    /// What it comes with. None where the documents have no status for it, or have it only as the reason
    /// for which an action failed.
    pub statuses: &'static [u16],
    pub meaning: Meaning,
    /// In answer to an order, it leaves open whether that was carried out: then it means
    /// [`Meaning::InDoubt`], and `meaning` is that of an action that failed with it.
    pub is_unclear: bool,
    pub what: &'static str,
    /// What a person can do about it. Told with the failure.
    pub remedy: Option<&'static str>,
}

const fn code(
    name: &'static str,
    statuses: &'static [u16],
    meaning: Meaning,
    what: &'static str,
) -> Code {
    Code {
        name,
        statuses,
        meaning,
        is_unclear: false,
        what,
        remedy: None,
    }
}

impl Code {
    const fn unclear(self) -> Self {
        Self {
            is_unclear: true,
            ..self
        }
    }

    const fn remedy(self, remedy: &'static str) -> Self {
        Self {
            remedy: Some(remedy),
            ..self
        }
    }

    /// What it means in answer to an order, where the status does not say more.
    fn in_answer(&self) -> Meaning {
        if self.is_unclear {
            Meaning::InDoubt
        } else {
            self.meaning
        }
    }
}

/// Our own key is not taken.
pub const KEY_REMEDY: &str = "check `api_key` below `amps` in home.yaml";

/// The manufacturer does not let Amps in.
pub const LINK_REMEDY: &str = "link the device again in Amps";

/// The code that our key and the manufacturer's have in common.
pub const INVALID_API_KEY: &str = "INVALID_API_KEY";

/// Our key has expired.
pub const EXPIRED_TOKEN: &str = "EXPIRED_TOKEN";

/// It is too late to cancel.
pub const ACTION_NOT_CANCELLABLE: &str = "ACTION_NOT_CANCELLABLE";

/// Every code of the documents, in both generations.
pub const CODES: &[Code] = &{
    use Meaning::{GiveUp, Retry, Unauthorized, Wait};
    [
        code(
            "UNAUTHORIZED",
            &[401],
            Unauthorized,
            "no key, or too many requests at once",
        )
        .remedy(KEY_REMEDY),
        code(
            INVALID_API_KEY,
            &[401],
            GiveUp,
            "the key is not taken: the manufacturer's, if Amps still answers other questions; else the home's own, and where that has worked, it is waited for as with `UNAUTHORIZED`",
        )
        .remedy("which key it is, the failure says"),
        code(EXPIRED_TOKEN, &[401], GiveUp, "the key has expired").remedy(KEY_REMEDY),
        code(
            "RATE_LIMIT_EXCEEDED",
            &[401, 429],
            Retry,
            "too many requests",
        ),
        code(
            "INSUFFICIENT_PERMISSIONS",
            &[403],
            GiveUp,
            "the key may not do this",
        )
        .remedy(KEY_REMEDY),
        code(
            "LIVE_ACCESS_DISABLED",
            &[403],
            GiveUp,
            "the account is not open for live devices",
        )
        .remedy("ask Amps to open it, or use a test key"),
        code(
            "DEVICE_NOT_FOUND",
            &[404],
            GiveUp,
            "no such device, or not yours",
        )
        .remedy("check the device's `id` in home.yaml"),
        code("NOT_FOUND", &[404], GiveUp, "no such thing, or not yours"),
        code("CONFLICT", &[409], Wait, "another action holds the device"),
        code(
            ACTION_NOT_CANCELLABLE,
            &[409],
            Wait,
            "another action has begun and cannot be called off",
        ),
        code(
            "UNSUPPORTED_MODE",
            &[422],
            GiveUp,
            "the device does not have this command",
        ),
        code(
            "COMMAND_NOT_SUPPORTED",
            &[422],
            GiveUp,
            "the command is not offered, or not yet for live devices",
        ),
        code(
            "DIRECT_ACTION_UNSUPPORTED",
            &[422],
            GiveUp,
            "devices of this type take no orders",
        ),
        code(
            "UNSUPPORTED_PARAMETER",
            &[422],
            GiveUp,
            "the device does not know this parameter",
        ),
        code(
            "UNSUPPORTED_UNIT",
            &[422],
            GiveUp,
            "the parameter has another unit",
        ),
        code(
            "PARAMETER_OUT_OF_RANGE",
            &[422],
            GiveUp,
            "the device does not take so much, or so little",
        ),
        code(
            "EXECUTION_NOT_SUPPORTED",
            &[422],
            GiveUp,
            "the device cannot do this at a planned time, or not with an end",
        ),
        code("START_IN_PAST", &[422], GiveUp, "`start` is over"),
        code(
            "START_OUT_OF_RANGE",
            &[422],
            GiveUp,
            "`start` is more than 30 days ahead",
        ),
        code(
            "INVALID_TIME_WINDOW",
            &[422],
            GiveUp,
            "`start` and `end` do not fit together",
        ),
        code(
            "UNSUPPORTED_SETTING",
            &[422],
            GiveUp,
            "the device does not know this setting",
        ),
        code(
            "READ_ONLY_SETTING",
            &[422],
            GiveUp,
            "the setting can be read and not written",
        ),
        code(
            "SETTING_OUT_OF_RANGE",
            &[422],
            GiveUp,
            "the device does not take so much, or so little",
        ),
        code("INTERNAL_ERROR", &[500], Retry, "something broke at Amps").unclear(),
        code("NOT_IMPLEMENTED", &[501], GiveUp, "Amps cannot do this yet"),
        code(
            "INVALID_CREDENTIALS",
            &[401],
            GiveUp,
            "the manufacturer does not take the user's name and password",
        )
        .remedy(LINK_REMEDY),
        code(
            "INVALID_MFA_CODE",
            &[403],
            GiveUp,
            "the manufacturer's second step of the login failed",
        )
        .remedy(LINK_REMEDY),
        code(
            "MFA_REQUIRED",
            &[403],
            GiveUp,
            "the manufacturer asks for a second step of the login",
        )
        .remedy(LINK_REMEDY),
        code(
            "ACCOUNT_LOCKED",
            &[403],
            GiveUp,
            "the manufacturer has locked the account",
        )
        .remedy("unlock it at the manufacturer's, then link the device again in Amps"),
        code(
            "UNSUPPORTED_CREDENTIAL_TYPE",
            &[400],
            GiveUp,
            "the device was linked in a way that the manufacturer does not take",
        )
        .remedy(LINK_REMEDY),
        code(
            "UNSUPPORTED_AUTH_PATH",
            &[400],
            GiveUp,
            "the device was linked in a way that the manufacturer does not take",
        )
        .remedy(LINK_REMEDY),
        code(
            "CREDENTIAL_NOT_FOUND",
            &[404],
            GiveUp,
            "Amps no longer has the link to the manufacturer",
        )
        .remedy(LINK_REMEDY),
        code("DEVICE_OFFLINE", &[], Retry, "the device does not answer its manufacturer"),
        code(
            "SCHEDULER_ACTIVE",
            &[],
            Retry,
            "a schedule in the manufacturer's own app holds the device",
        ),
        code("NETWORK_ERROR", &[], Retry, "Amps does not reach the manufacturer").unclear(),
        code(
            "RATE_LIMITED",
            &[],
            Retry,
            "Amps asks the manufacturer too often",
        ),
        code(
            "SERVICE_UNAVAILABLE",
            &[],
            Retry,
            "the manufacturer's service, or Amps, is down",
        )
        .unclear(),
        code("TIMEOUT", &[], Retry, "the manufacturer does not answer in time").unclear(),
        code("UNKNOWN_ERROR", &[], Retry, "the manufacturer says something unclear").unclear(),
    ]
};

/// What statuses mean. Any that is not here turns the order away for good.
#[derive(Clone, Copy, Debug)]
pub struct Statuses {
    pub first: u16,
    pub last: u16,
    /// With a code of [`CODES`]; where there is none, the code decides.
    pub with_known: Option<Meaning>,
    /// With a code that nobody knows.
    pub with_unknown: Meaning,
    /// Without a code: not Amps' own words.
    pub without: Meaning,
    pub what: &'static str,
}

/// The first that fits counts.
pub const STATUSES: &[Statuses] = &{
    use Meaning::{GiveUp, InDoubt, Retry, Unauthorized, Wait};
    const fn row(
        (first, last): (u16, u16),
        with_known: Option<Meaning>,
        with_unknown: Meaning,
        without: Meaning,
        what: &'static str,
    ) -> Statuses {
        Statuses {
            first,
            last,
            with_known,
            with_unknown,
            without,
            what,
        }
    }
    [
        row((401, 401), None, Unauthorized, Unauthorized, "not let in"),
        row((408, 408), Some(InDoubt), InDoubt, InDoubt, "time ran out"),
        row((409, 409), None, Wait, Wait, "something is in the way"),
        row((429, 429), Some(Retry), Retry, Retry, "too many requests"),
        row((501, 501), Some(GiveUp), GiveUp, GiveUp, "not built"),
        row(
            (500, 599),
            Some(InDoubt),
            InDoubt,
            InDoubt,
            "something broke or is down, perhaps after the order was read",
        ),
    ]
};

/// The code, if the documents have it.
pub fn known(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|it| it.name == code)
}

/// What a refusal with this status and this code means.
pub fn meaning(status: u16, code: Option<&str>) -> Meaning {
    let row = STATUSES
        .iter()
        .find(|it| (it.first..=it.last).contains(&status));
    match (code, code.and_then(known)) {
        (_, Some(code)) => row
            .and_then(|it| it.with_known)
            .unwrap_or_else(|| code.in_answer()),
        (Some(_), None) => row.map_or(Meaning::GiveUp, |it| it.with_unknown),
        (None, _) => row.map_or(Meaning::GiveUp, |it| it.without),
    }
}

/// Whether an action that failed with this code may succeed later. One without a code, or with one that
/// nobody knows, is final: nobody has said that it passes.
pub fn may_pass(code: Option<&str>) -> bool {
    let known = code.and_then(known);
    known.is_some_and(|it| it.meaning == Meaning::Retry)
}

/// What a person can do about an action that failed with this code. Amps took the order, so that it was the
/// manufacturer who let nobody in, and not Amps.
pub fn remedy_once_taken(code: Option<&str>) -> Option<&'static str> {
    let code = code.and_then(known)?;
    let is_about_a_key = code.name == INVALID_API_KEY || code.remedy == Some(KEY_REMEDY);
    if is_about_a_key {
        Some(LINK_REMEDY)
    } else {
        code.remedy
    }
}

impl Meaning {
    /// As the reference says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Retry => "sent again, as `retry` says",
            Self::Unauthorized => {
                "if the key has ever worked, sent again for an hour, which counts as no attempt; else the step fails"
            }
            Self::InDoubt => "looked up, and sent again only if it is not there",
            Self::Wait => "waits for the other action's end",
            Self::GiveUp => "the step fails",
        }
    }
}

/// The tables, for `rules/README.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "\n## When Amps turns an order away\n\n\
         The code is what `failure.code` says in `on_failure`. An action that Amps took and that fails later has a code too: \
         where the order is sent again here, at once or after a look-up, it is sent again then as well; all others are final.\n\n\
         What a device says it takes when it is read (`devices show ALIAS`) is looked at before an order or a setting is sent. \
         One that it does not take is not sent, and fails at once with the code that Amps would give, `failure.attempts` 0, \
         and what the device takes instead. A device that does not say is not asked this.\n\n\
         | code | status | what is wrong | what becomes of the order | what you can do |\n|---|---|---|---|---|\n",
    );
    for code in CODES {
        let statuses: Vec<String> = code.statuses.iter().map(u16::to_string).collect();
        let meaning = code.statuses.first().map_or_else(
            || code.in_answer(),
            |status| meaning(*status, Some(code.name)),
        );
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            code.name,
            statuses.join(", "),
            code.what,
            meaning.words(),
            code.remedy.unwrap_or_default(),
        )
        .expect("writing to a string cannot fail");
    }
    text.push_str(
        "\nWhat the status says, with codes that are not in the table above, and without one. \
         Any other status makes the step fail.\n\n\
         | status | what is wrong | with a code of the table | with another code | without a code |\n|---|---|---|---|---|\n",
    );
    for row in STATUSES {
        let status = if row.first == row.last {
            row.first.to_string()
        } else {
            format!("{} to {}", row.first, row.last)
        };
        writeln!(
            text,
            "| {status} | {} | {} | {} | {} |",
            row.what,
            row.with_known.map_or("as the table says", Meaning::words),
            row.with_unknown.words(),
            row.without.words(),
        )
        .expect("writing to a string cannot fail");
    }
    text.push_str(
        "\nAn answer that was lost, or cannot be read, is looked up before anything is sent again. \
         An order that never left, since Amps cannot be reached, counts as no attempt for the first hour. \
         Settings are written again likewise.\n",
    );
    text
}
