//! What becomes of everything that waits when a rule is woken again, edited, or the engine restarted.

/// One thing that waits.
struct Row {
    thing: &'static str,
    stored: &'static str,
    /// What another trigger does meanwhile.
    again: &'static str,
    /// A rule that is unchanged is never touched; this is for one that is edited, and one that is gone.
    edited: &'static str,
    removed: &'static str,
    /// And what came due while the engine was down.
    restarted: &'static str,
}

const MODE: &str = "the rule's `mode` decides whether this run goes on";
const OLD_TEXT: &str = "goes on with the text it began with";
const RUN_ENDS: &str = "the run ends, and its trace says so";
const ANEW: &str = "begins anew";
const FORGOTTEN: &str = "forgotten";

/// What a run stands still for.
const RUNS: &[Row] = &[
    Row {
        thing: "`delay`",
        stored: "the moment at which it is over",
        again: MODE,
        edited: OLD_TEXT,
        removed: RUN_ENDS,
        restarted: "the remaining time; what is over goes on at once",
    },
    Row {
        thing: "`wait_for_trigger`",
        stored: "the end of `timeout`, and what its triggers remember, as in the second table",
        again: MODE,
        edited: OLD_TEXT,
        removed: RUN_ENDS,
        restarted: "the triggers go on listening; of what both came due, a trigger and `timeout`, the one that was due first counts",
    },
    Row {
        thing: "`wait_until`",
        stored: "the end of `timeout`",
        again: MODE,
        edited: OLD_TEXT,
        removed: RUN_ENDS,
        restarted: "the conditions are asked again at once",
    },
    Row {
        thing: "command under way",
        stored: "the order before it leaves, each of its steps, and its deadline",
        again: "the rule's `mode` decides; with `restart` the order is followed to its end, and nobody waits for it",
        edited: OLD_TEXT,
        removed: "the run ends; the order is followed to its end",
        restarted: "followed further; when it is not known whether it was sent, it is looked up before it is sent again",
    },
    Row {
        thing: "`http` under way",
        stored: "the request before it leaves, the number of attempts, and the moment of the next",
        again: "the rule's `mode` decides; with `restart` nobody waits for the answer, and it is not sent again",
        edited: OLD_TEXT,
        removed: "the run ends; it is not sent again",
        restarted: "the remaining time; when it is not known whether it arrived, as \"Once or twice?\" below says",
    },
    Row {
        thing: "`retry` back-off",
        stored: "the number of attempts, and the moment of the next",
        again: "as with a command under way",
        edited: OLD_TEXT,
        removed: "the run ends; the attempts go on",
        restarted: "the remaining time; what is due is sent at once",
    },
    Row {
        thing: "`mode: queued`, its turn",
        stored: "the run in its place, for 7 days at most",
        again: "stands in line behind it, up to `max`",
        edited: "runs with the text of when it was woken",
        removed: RUN_ENDS,
        restarted: "keeps its place",
    },
    Row {
        thing: "`parallel`",
        stored: "each branch is a run of its own, with what it waits for",
        again: "the rule's `mode` decides for all branches",
        edited: OLD_TEXT,
        removed: "all branches end",
        restarted: "each branch goes on as it would alone",
    },
    Row {
        thing: "fresh values (`read`, `max_age`)",
        stored: "which devices, and until when: 20 seconds at most",
        again: MODE,
        edited: OLD_TEXT,
        removed: RUN_ENDS,
        restarted: "its 20 seconds begin once more",
    },
    Row {
        thing: "the conditions of a rule (fresh values, `if_unknown: wait`)",
        stored: "what woke the rule and what it saw, and until when: 20 seconds, and 15 minutes for what is unknown",
        again: "waits beside it, up to `max`, or 10 in `mode: single`; when each is answered, the rule's `mode` decides; in `mode: restart` it takes the place of the one that waits",
        edited: "the conditions that are there then are asked; when the trigger that woke the rule is gone or edited, nothing comes of it, and the trace says so",
        removed: "nothing comes of it",
        restarted: "fresh values have their 20 seconds once more; the unknown has the remaining time",
    },
    Row {
        thing: "a device that another run has",
        stored: "which device, the end of the step's `timeout`, and its `start`, `end` and `lease`",
        again: MODE,
        edited: OLD_TEXT,
        removed: RUN_ENDS,
        restarted: "keeps its place",
    },
];

/// What triggers and rules remember between runs.
const MEMORIES: &[Row] = &[
    Row {
        thing: "`for`",
        stored: "since when it holds, when it will have held for long enough, and when it was last heard",
        again: "a value that fits as well: it goes on; a contrary one ends it",
        edited: "its time begins anew with the edit, where what was on its way is what the trigger waits for still, and is so now",
        removed: FORGOTTEN,
        restarted: "the remaining time, the time of the stop included; after more than `gap_tolerance` without a value, the time is counted anew; of a connection, what is over fires at once, before webhooks that come late",
    },
    Row {
        thing: "`for` of a condition",
        stored: "what the value was and since when, as far back as 64 changes; numbers that are long past, as their least and greatest",
        again: "changes nothing: the past of a value belongs to no rule",
        edited: "stays; of a value that no rule asked before, it begins with what is known of it",
        removed: "forgotten, when no other rule asks",
        restarted: "the time of the stop counts; after more than `gap_tolerance` without a value, the answer is unknown until it has been so for long enough again",
    },
    Row {
        thing: "side of a threshold",
        stored: "for each device, on which side the value was",
        again: "no further firing before the value was back beyond `reset`, or the limit",
        edited: "begins anew, from the last value",
        removed: FORGOTTEN,
        restarted: "the first value is compared with the side before: what was crossed meanwhile fires now",
    },
    Row {
        thing: "`absence`",
        stored: "since when it counts, and when it fires",
        again: "`of` ends the count, and without `after` begins it anew; `after` begins it anew",
        edited: "begins anew: at once, or with `after`, when that comes again",
        removed: FORGOTTEN,
        restarted: "the remaining time; what is over fires at once, before webhooks that come late",
    },
    Row {
        thing: "`all_of`",
        stored: "which parts have come, and when",
        again: "a part that comes again counts with its later moment",
        edited: ANEW,
        removed: FORGOTTEN,
        restarted: "what came stays, while `within` lasts",
    },
    Row {
        thing: "`sequence`",
        stored: "up to 16 beginnings, each with what came and when",
        again: "the first part coming again is another beginning; the last of one may be the first of the next",
        edited: ANEW,
        removed: FORGOTTEN,
        restarted: "what came stays, while `within` lasts",
    },
    Row {
        thing: "`count`",
        stored: "when each came",
        again: "counted; after the last it counts anew",
        edited: ANEW,
        removed: FORGOTTEN,
        restarted: "what came stays, while `within` lasts",
    },
    Row {
        thing: "`time`, `cron`, `sun`",
        stored: "up to when all has been dealt with, and the next moment",
        again: "each moment calls the rule once, whatever its runs do",
        edited: "begins anew: what is past stays past",
        removed: FORGOTTEN,
        restarted: "what was missed fires as `catch_up` and `within` say",
    },
    Row {
        thing: "`cooldown`",
        stored: "when the last run began that passed the conditions",
        again: "does nothing, and the trace says until when",
        edited: "its new length, from the same beginning",
        removed: "counts again when the rule is back",
        restarted: "the remaining time",
    },
    Row {
        thing: "`state.NAME`",
        stored: "the value, as soon as it is set",
        again: "later runs see it",
        edited: "stays",
        removed: "is there again when the rule is back",
        restarted: "stays",
    },
    Row {
        thing: "pause of a rule",
        stored: "that it is paused, and why",
        again: "does nothing, and the trace says so",
        edited: "stays",
        removed: "is there again when the rule is back",
        restarted: "stays, until it is resumed",
    },
];

/// The section of the reference.
pub(super) fn markdown() -> String {
    let mut text = String::from(
        "\n## Waiting\n\nEverything that waits is on the disk before it waits, with the moment at which it is over.\nAn edit of the rules touches only what was edited: the runs, timers, cooldowns and sides of a rule that is unchanged go on untouched, wherever it stands in its file.\n\nWhat a run stands still for:\n\n",
    );
    text.push_str(&table(RUNS));
    text.push_str("\nWhat triggers and rules remember:\n\n");
    text.push_str(&table(MEMORIES));
    text.push_str(CLOCKS);
    text
}

const CLOCKS: &str = "
Of an edited rule, a trigger that is itself unchanged keeps what it remembers, wherever it stands among the others; so it does when the home has one more device of the type that it names.
Runs of a rule from before its `per` was added or taken away count for every value.
A rule with a mistake in it keeps its last good version, and all that waits for it.

**When the clocks change.** Durations (`delay`, `for`, `within`, `timeout`, `cooldown`) are real time: two hours are two hours in every night.
A time of day that the clocks jump over in spring comes at the first moment after the jump; one that they show twice in autumn comes once, at the first.
A `cron` pattern whose minutes are those of `*/20` or another `*/…`, however they are written, or that comes in every hour, keeps its rhythm: it fires whenever the clocks show what it says.
The `start`, `end` and `lease` of a command step are found when the run comes to the step: none slides to the next day while it waits for its device or orders again.
The window of a `condition: time` is what the clocks show, for the first or the second time.

**When the engine was down.** `catch_up: latest` fires once, for the last moment that was missed, unless that was longer ago than `within` (15 minutes when left out); `all` fires for each that is not older, in their order, 100 at most; `none` for none.
A moment that is at most ten seconds late was not missed: it comes whatever `catch_up` says, and of a pattern with seconds that may be several; `latest` then leaves out what is older.
A clock that is set back brings nothing a second time.
What Amps had to tell meanwhile comes when it sends its webhooks again, for more than a day, and rules hear it then.
";

fn table(rows: &[Row]) -> String {
    let head = "| what waits | what is stored | another trigger meanwhile | the rule is edited | the rule is removed | a restart |\n|---|---|---|---|---|---|\n";
    rows.iter().fold(head.to_owned(), |text, row| {
        let cells = [
            row.thing,
            row.stored,
            row.again,
            row.edited,
            row.removed,
            row.restarted,
        ];
        text + &format!("| {} |\n", cells.join(" | "))
    })
}
