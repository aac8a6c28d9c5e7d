//! What the manufacturer of a device may answer to Amps, and what Amps makes of it (`amps-api.md` §3.2, §8).

/// A code that comes from the manufacturer.
#[derive(Debug)]
pub(crate) struct OemError {
    pub(crate) code: &'static str,
    pub(crate) effect: Effect,
}

/// What a code of the manufacturer does to requests. Actions fail with it in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Reads show what was captured last.
    FallsBack,
    /// Reads are answered with this status.
    FailsReads(u16),
    /// Every request for the device is answered with this status.
    FailsRequests(u16),
}

/// The status that comes with it is cut in the documents; this one is our assumption.
pub(crate) const OFFLINE: OemError = OemError {
    code: "DEVICE_OFFLINE",
    effect: Effect::FailsReads(503),
};

const fn error(code: &'static str, effect: Effect) -> OemError {
    OemError { code, effect }
}

static ERRORS: &[OemError] = &[
    OFFLINE,
    error("NETWORK_ERROR", Effect::FallsBack),
    error("RATE_LIMITED", Effect::FallsBack),
    error("SERVICE_UNAVAILABLE", Effect::FallsBack),
    error("TIMEOUT", Effect::FallsBack),
    error("UNKNOWN_ERROR", Effect::FallsBack),
    error("INVALID_CREDENTIALS", Effect::FailsRequests(401)),
    error("INVALID_API_KEY", Effect::FailsRequests(401)),
    error("INVALID_MFA_CODE", Effect::FailsRequests(403)),
    error("MFA_REQUIRED", Effect::FailsRequests(403)),
    error("ACCOUNT_LOCKED", Effect::FailsRequests(403)),
    error("UNSUPPORTED_CREDENTIAL_TYPE", Effect::FailsRequests(400)),
    error("UNSUPPORTED_AUTH_PATH", Effect::FailsRequests(400)),
    error("CREDENTIAL_NOT_FOUND", Effect::FailsRequests(404)),
];

/// The error of that name, if manufacturers have it.
pub(crate) fn find(code: &str) -> Option<&'static OemError> {
    ERRORS.iter().find(|it| it.code == code)
}

/// Their names, for whoever asks for another one.
pub(crate) fn names() -> String {
    let names: Vec<&str> = ERRORS.iter().map(|it| it.code).collect();
    names.join(", ")
}

impl OemError {
    pub(crate) fn message(&self) -> &'static str {
        if self.code == OFFLINE.code {
            "no response from the device"
        } else {
            "the manufacturer does not let this through"
        }
    }
}
