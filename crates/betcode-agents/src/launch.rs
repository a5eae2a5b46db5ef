//! How an agent process is started: the arguments after its command, and what is added to its environment.

mod claude;

use betcode_core::command::LaunchOptions;

use crate::Kind;

/// What is added to an agent's command line and environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launch {
    /// Arguments, after those of the command itself.
    pub arguments: Vec<String>,
    /// Variables that are set over those that the agent has anyway.
    pub environment: Vec<(String, String)>,
}

/// What an agent is told before it starts about what it may not do, in addition to what is decided call by call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restraints {
    /// Rules for what is never done.
    pub deny: Vec<String>,
    /// Rules for what is asked about, whatever the agent's own settings say.
    pub ask: Vec<String>,
    /// Whether the user trusts the directory. What lies in one that is not trusted configures nothing.
    pub trusted: bool,
}

/// With what a process begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A new conversation.
    Fresh,
    /// The former conversation; it waits for the next message, even if a turn was cut short.
    Resumed,
    /// The former conversation, and the turn in it that was cut short: it asks again for what nobody could answer any more,
    /// before it takes any message.
    GoesOn,
}

/// How to start an agent whose own session is (or, resumed, was) `agent_session`.
pub fn arguments(
    kind: Kind,
    options: &LaunchOptions,
    agent_session: &str,
    start: Start,
    restraints: &Restraints,
) -> Launch {
    match kind {
        Kind::ClaudeCode => claude::arguments(options, agent_session, start, restraints),
    }
}

#[cfg(test)]
mod tests;
