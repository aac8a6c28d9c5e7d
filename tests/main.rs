//! The suites, each with the promise it keeps.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

/// Every answer of Amps has one meaning.
mod answers;
/// Triggers by the time fire when people expect it, whatever clocks and calendars do.
mod calendar;
/// What nobody wants any more is not sent, and what is planned gives way to what matters more.
mod called_off;
/// What a device says it takes is what it is ordered: the rest is refused before anything leaves.
mod capabilities;
/// The command line: what is written where, and how the program ends.
mod cli;
/// A device that somebody else's action holds is waited for, and nothing is cancelled that may not be.
mod conflicts;
/// Dead letters get another chance, or are put away.
mod dead_letters;
/// What Amps answers is read in each generation it has been seen in.
mod device_answers;
/// A request to Amps is made once, and what became of it is told for what it is.
mod device_api;
/// A broken `home.yaml` or rule file is answered with place, reason and remedy.
mod diagnostics;
/// A webhook's body means one event, in each generation it has been seen in.
mod envelope;
/// Rules, an event and a moment to a decision.
mod evaluation;
/// Whole homes, each with the story that its README tells.
mod examples;
/// What expressions are, what they come to, and that none of them can upset the engine.
mod expressions;
/// `fmt` writes files whole or not at all, and never those of secrets.
mod fmt;
/// The formatter changes how a file looks, and never what it means or remarks.
mod format;
/// Which generation Amps speaks is learned from its answers.
mod generations;
/// A home, its Amps and its engine, for the suites that look from outside.
mod home;
/// A rule's request goes to the hosts that home.yaml names, and its answer comes back to the run.
mod http_requests;
/// `init` writes a home that lacks nothing but its secrets.
mod init;
/// Strangers get nothing out of the intake, and a 200 means that the event is on the disk.
mod intake;
/// Killed again and again under load: nothing acknowledged is lost, nothing ordered twice.
mod kill;
/// Rule text to checked rules.
mod language;
/// Messages to people arrive unharmed, and a failure tells no secret.
mod notify;
/// While Amps does not answer, nothing is lost, and it is said what waits.
mod outage;
/// What is read before a rule decides, inputs that an address tells, and webhooks of the home's own.
mod readings;
/// Killed at every step, started again: nothing lost, nothing doubled.
mod recovery;
/// Edited rules come into force while the engine runs, whole or not at all.
mod reload;
/// Past events against other rules: what was done then beside what would be done now.
mod replay;
/// Tests of rules find what is wrong with rules, and say it.
mod rule_tests;
/// What editors are told of files is what the program makes of them.
mod schema;
/// A server that says what a test tells it to, and remembers what it was asked.
mod scripted_server;
/// Every signature case decides as the contract says.
mod signature;
/// The pretend Amps does what the documents say of the real one.
mod simulator;
/// How the home is, and what to do about it.
mod status;
/// What steps do with devices beyond an order that is followed to its end.
mod steps;
/// The main job from outside: HTTP in, HTTP out, and what the command line says of it.
mod story;
/// What a reviewer should not have to check by eye.
mod tidy;
/// What is waited for has a deadline.
mod tracking;
/// Why a rule ran or did not, and what led to what.
mod why;
