//! A `claude` that plays recorded sessions: it says what the recorded one said, takes what is written to it where the recorded
//! one took it, and refuses what the recorded one could not have taken.
//!
//! [`transcript`] reads a recording, [`plan`] makes steps and cues of it, [`Player`] plays the steps (pure), `accept` says which
//! lines may be written at all, `made` has the lines that no recording has, `program` is the process around it; [`judge`] compares
//! what was played with the log that came of it.
//!
//! A recording is somebody else's conversation, so it is not played to the letter. The rules, all of them:
//!
//! | in the recording | here |
//! |---|---|
//! | times | nothing waits for time: the next line comes when what it answers was written |
//! | ids of requests and messages of its host, its first session id | those that are really used |
//! | `initialize` | waited for once; without any in the recording it gets a small answer |
//! | a message at rest | waited for, with its text |
//! | a message in a running turn | not waited for: this host may keep it back until the turn has ended. If another turn follows, the first such message begins it. Lines about a message that was not written are left out |
//! | no message at all, and a turn | any message stands for what began it |
//! | an answer to a request | waited for; any valid answer will do, and the lines that follow are those of the recorded answer |
//! | `interrupt` in a turn | waited for; at rest it is not |
//! | every other request of its host | not waited for, and its answer is left out; whoever asks the same gets the recorded answer |
//! | text that is no line of the protocol | left out, what the agent said to it is not |
//! | a hook that this host did not register | left out with its answer; one that it did has the registered name |
//! | the end of stdin | waited for only before the process ends, and only if it does not end by itself |
//! | the end by itself: by a signal, or with an error before the last lines of its host were answered | at once; those lines are not waited for |
//! | a process that is started again | goes on where the one before it stopped; at the end of the recording it ends the turn that it is to take up |
//!
//! What is written beyond the recording: a message gets a turn that says nothing; `interrupt` in a turn that the recording does not
//! interrupt ends it as Claude Code ends one, and the rest of that turn is left out; any other request is refused as unknown.
//! An answer to nothing that was asked, a second answer, an answer of a wrong form, and a line that is no line of the protocol
//! are written down as problems, and the process exits with 70.

mod accept;
pub mod judge;
mod made;
pub mod plan;
mod player;
pub mod program;
pub mod record;
pub mod transcript;

pub use player::{Do, Manner, Player};
pub use record::Record;

#[cfg(test)]
mod tests;
