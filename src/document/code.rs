//! The stable list of codes. A code is never reused for another meaning: W605 is retired.
//!
//! E1xx YAML and file, E2xx names, E3xx types and units, E4xx what a device can do, E5xx structure, from E551 on of tests;
//! W6xx advice on one rule, W7xx advice on several.

/// A kind of problem, under the name that people can look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// `E204`
    pub name: &'static str,
    pub title: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

impl Code {
    pub fn severity(self) -> Severity {
        if self.name.starts_with('W') {
            Severity::Warning
        } else {
            Severity::Error
        }
    }
}

macro_rules! codes {
    ($($constant:ident $name:literal $title:literal)*) => {
        $(pub const $constant: Code = Code { name: $name, title: $title };)*

        /// Every code, in order.
        pub const ALL: &[Code] = &[$($constant),*];
    };
}

codes! {
    NOT_UTF8 "E101" "the file is not UTF-8 text"
    BYTE_ORDER_MARK "E102" "the file begins with a byte order mark"
    TAB "E103" "a line is indented with a tab"
    HTML "E104" "the file is a web page, not YAML"
    TOO_LARGE "E105" "the file is too large"
    SEVERAL_DOCUMENTS "E106" "the file holds several YAML documents"
    CONTROL_CHARACTER "E107" "the text holds a character that cannot be seen"
    SYNTAX "E108" "the text is not YAML"
    NEVER_CLOSED "E109" "a quote or bracket is never closed"
    ALIAS "E110" "a YAML alias leads nowhere"
    TOO_COMPLEX "E111" "the file is nested too deeply or says too much"
    EMPTY_FILE "E112" "the file is empty"
    TAG "E113" "a YAML tag is not known or not allowed here"
    UNREADABLE "E114" "a file cannot be read"
    TOO_MANY_FILES "E115" "there are too many rule files"
    FILE_VERSION "E116" "the file is of a version that is not known"
    FILE_MODE "E117" "other people can read the file of secrets"
    MORE_FINDINGS "E118" "the file has more problems than are shown"
    CURLY_QUOTES "E119" "a text stands in quotes that YAML does not know"

    OLD_LINE_ENDS "E120" "the lines end with a sign that only very old computers use"
    UNKNOWN_KEY "E201" "a key is not known here"
    DUPLICATE_KEY "E202" "a key stands twice in one place"
    MISSING_KEY "E203" "a key is missing"
    UNKNOWN_DEVICE "E204" "no device of the home has this name"
    UNKNOWN_NOTIFIER "E205" "no notifier of the home has this name"
    DUPLICATE_ID "E206" "two things have the same id"
    BAD_NAME "E207" "a name is not written as names are"
    FOREIGN_WORD "E208" "a word of Home Assistant that is another word here"
    NOT_AVAILABLE "E209" "this version cannot do it"
    UNKNOWN_WORD "E210" "a word is not among those allowed here"
    UNKNOWN_SECRET "E211" "a secret is not found"
    PLAIN_SECRET "E212" "a secret stands in home.yaml"
    UNUSABLE_SECRET "E213" "a secret cannot be used"
    UNKNOWN_TIMEZONE "E214" "a time zone is not known"
    BAD_ADDRESS "E215" "an address cannot be used"
    UNKNOWN_INPUT "E216" "no input of the home has this name"
    UNKNOWN_TRIGGER "E217" "no trigger of the rule has this id"
    UNKNOWN_RULE "E218" "no rule of the home has this id"
    UNKNOWN_STEP "E219" "no step of the rule has this id"
    HOST_NOT_ALLOWED "E220" "a host is not among those that rules may call"
    NO_LOCATION "E221" "the sun needs to know where the home is"
    NO_ORDER "E222" "a step that gives no order is to be cancelled"
    UNKNOWN_NAME "E230" "a name in an expression is not known"
    UNKNOWN_FUNCTION "E231" "a function is not known"

    WRONG_TYPE "E301" "a value is of the wrong type"
    BAD_DURATION "E302" "a duration is not written as durations are"
    BAD_TIME "E303" "a time of day is not written as times are"
    BAD_QUANTITY "E304" "a number or its unit cannot be read"
    WRONG_DIMENSION "E305" "a unit measures something else"
    OUT_OF_RANGE "E306" "a value is out of bounds"
    TEXT_LENGTH "E307" "a text is empty or too long"
    NOT_A_NUMBER "E308" "an attribute is compared as a number and is none"
    TEMPLATE "E309" "a template stands where none is taken"
    BAD_CRON "E310" "a cron pattern cannot be read, or never comes"
    BAD_SIZE "E311" "a size is not written as sizes are"
    EXPRESSION_SYNTAX "E320" "an expression cannot be read"
    NEVER_CLOSED_TEMPLATE "E321" "`{{` is never closed"
    OPERAND "E322" "an operator or a function cannot take such a value"
    ARGUMENT_COUNT "E323" "a function is given too few or too many values"
    EXPRESSION_SIZE "E324" "an expression is too long or nested too deeply"
    UNQUOTED_TEMPLATE "E325" "a template does not stand in quotes"

    UNKNOWN_ATTRIBUTE "E401" "the device does not report this"
    UNKNOWN_COMMAND "E402" "the device does not understand this command"
    UNKNOWN_PARAMETER "E403" "the command has no such parameter"
    READ_ONLY_DEVICE "E404" "the device takes no commands"
    UNKNOWN_SETTING "E405" "the device has no such setting"
    WRONG_FORM "E406" "the command cannot be scheduled like this"

    NOTHING_THERE "E501" "a list that must hold something is empty"
    TOO_MANY "E502" "a list holds too much"
    WHICH_STEP "E503" "a step does not say what it is, or says it twice"
    NEVER_TRUE "E504" "a condition asks nothing, or the impossible"
    NO_EFFECT "E505" "a key has no meaning beside the others"
    WHICH_ONE "E506" "one of several keys is needed, and only one"

    BAD_MOMENT "E551" "a moment is not written as moments are"
    BAD_EVENT "E552" "a webhook of a test cannot be used"
    UNTESTED_RULE "E553" "none of the rules that a test is about has this id"
    EXPECTS_NOTHING "E554" "a test does not look at what comes of it"
    NO_RULES "E555" "the rules that a file tests are not there"
    TEST_HOME "E556" "the home of a test file cannot be used"

    COMPLETED_IS_NOT_FULL "W601" "`completed` does not mean that the battery is full"
    UNSEEN_WORD "W602" "no device was seen to report this word"
    NEVER_TOGETHER "W603" "conditions can never hold together"
    ALWAYS_HOLDS "W604" "a condition always holds"
    SETTING_NOT_YET "W606" "a setting is checked and has no effect in this version"
    NO_HYSTERESIS "W607" "a value that wobbles about a limit starts the rule again and again"
    NO_FOR "W608" "a state that lasts for a moment only starts the rule again and again"
    NOT_LIVE_YET "W609" "the live platform does not take the command yet"
    UNREACHABLE "W610" "steps are never done"
    SHADOWED "W611" "a branch is never taken because another comes first"
    UNUSED_INPUT "W612" "no rule asks an input"
    UNUSED_VARIABLE "W613" "nothing reads a variable"
    NO_SUCH_HOOK "W614" "no webhook comes under this name"
    UNTOLD_INPUT "W615" "nothing tells an input its value"
    BEGINS_AT_ONCE "W616" "an order that begins at once is to be cancelled"
    WAITS_IN_VAIN "W617" "`if_unknown: wait` stands where nothing waits"

    LOOP "W701" "rules lead back to each other"
    OPPOSITE "W702" "rules order opposite things at the same moment"
    RUNS_NOTHING "W703" "a step runs a rule that is switched off"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        let ordered = ALL.windows(2).all(|pair| pair[0].name < pair[1].name);
        assert_eq!((ordered, ALL.len()), (true, 98));
    }

    #[test]
    fn a_warning_is_known_by_its_letter() {
        assert_eq!(UNSEEN_WORD.severity(), Severity::Warning);
        assert_eq!(TAB.severity(), Severity::Error);
    }
}
