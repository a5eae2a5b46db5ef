//! What people do, made from the seed alone. Whom or what a deed meets is chosen when it is done, by a number of the plan:
//! the seed puts the same deeds at the same times without repeating a run exactly.

use crate::torture::random::Random;

/// So many clients a session has.
pub(in crate::torture) const PEOPLE: usize = 4;

/// How a command travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::torture) enum Way {
    /// On the stream of the attachment, if the client is attached.
    Stream,
    /// By a call of its own.
    Call,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::torture) enum How {
    Allow,
    AllowSession,
    AllowAlways,
    Edited,
    Deny,
    DenyAndStop,
}

/// What the agent is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::torture) enum Prompt {
    /// So many tools one after the other, so many at once.
    Tools {
        count: u64,
        parallel: u64,
    },
    /// A request that the agent takes back after so many milliseconds.
    Withdrawn {
        after: u64,
    },
    /// A sub-agent that asks.
    Nested,
    Questions {
        n: u64,
    },
    Plan,
    /// It is busy for a while, and asks nothing.
    Busy {
        n: u64,
    },
}

/// How requests of a turn are decided without anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::torture) enum Policy {
    Ask,
    /// Somebody is waited for so many milliseconds.
    Wait(u64),
    Allowed,
    Disallowed,
    Unattended,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::torture) enum What {
    Sit {
        observe: bool,
    },
    /// Leaves when everything is answered.
    Leave,
    /// Is killed.
    Vanish,
    Say {
        number: u64,
        prompt: Prompt,
        policy: Policy,
    },
    Answer(How),
    /// The same command twice at once.
    Repeat(How),
    /// Two answers one after the other.
    Again(How, How),
    /// Two people at once.
    Clash(How, How),
    /// An answer to something that nobody asked.
    Wrong,
    AskLock,
    Release,
    Grant(bool),
    Edit,
    Remove,
    Resend,
    Cancel,
}

/// One thing that one person does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::torture) struct Deed {
    pub(in crate::torture) person: usize,
    pub(in crate::torture) way: Way,
    /// Chooses where there is a choice.
    pub(in crate::torture) which: u64,
    pub(in crate::torture) what: What,
}

fn how(random: &mut Random) -> How {
    match random.within(0..12) {
        0..=4 => How::Allow,
        5 => How::AllowSession,
        6 => How::AllowAlways,
        7 | 8 => How::Edited,
        9 | 10 => How::Deny,
        _ => How::DenyAndStop,
    }
}

fn prompt(random: &mut Random) -> Prompt {
    match random.within(0..12) {
        0..=5 => Prompt::Tools {
            count: random.within(1..3),
            parallel: random.within(1..4),
        },
        6 => Prompt::Withdrawn {
            after: random.within(1..200),
        },
        7 => Prompt::Nested,
        8 | 9 => Prompt::Questions {
            n: random.within(1..4),
        },
        10 => Prompt::Plan,
        _ => Prompt::Busy {
            n: random.within(50..300),
        },
    }
}

fn policy(random: &mut Random) -> Policy {
    match random.within(0..14) {
        0 | 1 => Policy::Wait(random.within(1..400)),
        2 => Policy::Allowed,
        3 => Policy::Disallowed,
        4 => Policy::Unattended,
        _ => Policy::Ask,
    }
}

/// One deed of the crowd. `number` is part of every prompt, so that no two tools write the same line.
pub(in crate::torture) fn deed(random: &mut Random, number: u64) -> Deed {
    let what = match random.within(0..44) {
        0..=3 | 40..=43 => What::Sit {
            observe: random.chance(1, 6),
        },
        4 => What::Leave,
        5 | 6 => What::Vanish,
        7..=13 => What::Say {
            number,
            prompt: prompt(random),
            policy: policy(random),
        },
        14..=21 => What::Answer(how(random)),
        22 | 23 => What::Repeat(how(random)),
        24 | 25 => What::Again(how(random), how(random)),
        26 | 27 => What::Clash(how(random), how(random)),
        28 => What::Wrong,
        29 | 30 => What::AskLock,
        31 => What::Release,
        32 => What::Grant(random.chance(2, 3)),
        33 | 34 => What::Edit,
        35 | 36 => What::Remove,
        37 | 38 => What::Resend,
        _ => What::Cancel,
    };
    Deed {
        person: usize::try_from(random.within(0..PEOPLE as u64)).unwrap_or(0),
        way: if random.chance(1, 2) {
            Way::Stream
        } else {
            Way::Call
        },
        which: random.next(),
        what,
    }
}
