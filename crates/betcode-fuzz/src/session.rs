//! Parser, driver and session machine together: any lines, any commands, any news of hosts, any time, and daemons that come
//! back with what they had written down. Laws:
//! - the log alone gives the state: folded anew, folded through stored bytes, and as a snapshot;
//! - the session comes to rest after every step;
//! - what can be read off a log holds at every event (see `checks`).

mod checks;
mod house;

use std::time::Duration;

use betcode_core::command::{Action, Environment, LaunchOptions, PermissionAnswer, QuestionAnswer};
use betcode_core::event::{AgentExit, PermissionScope, TurnPolicy};
use betcode_core::id::RequestId;
use betcode_core::ruling::{RuleName, Ruling, Verdict};
use betcode_core::session::{HostNews, Pending, Refused};

use crate::deeds::{Deed, Line, lines, of_recorded};
use crate::{Target, transcripts};
use house::House;

/// See the file.
pub const TARGET: Target = Target {
    name: "session",
    about: "lines and commands through parser and session machine: the log is the state",
    run,
    seeds,
    longest: 16 * 1024,
};

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = transcripts::played(of_recorded);
    for seed in &mut seeds {
        seed.extend_from_slice(b">R\n>X0\n>P 9\n>S\n>X1\n");
    }
    seeds.push(
        b">m0one\n>S\n>m1two\n>e0other\n>E0\n>l1\n>g1\n>u1\n>c\n>k\n>K\n>m0x\n>P 4000\n>Z0\n>r\n>X5\n>z0\n".to_vec(),
    );
    let asks = transcripts::kinds()
        .into_iter()
        .filter(|line| crate::deeds::asks(line).is_some());
    for line in asks {
        let before: &[u8] = b">V3\n>m0go\n>S\n";
        let after: &[u8] = b"\n>X5\n>a0\n>A0{}\n>q0{}\n>P 90000\n>R\n>S\n";
        seeds.push([before, &line, after, &line, b"\n>d1no\n>w\n"].concat());
    }
    seeds
}

fn run(data: &[u8]) {
    let mut house = House::new();
    for line in lines(data).take(4096) {
        match line {
            Line::Said(line) => house.line(line),
            Line::Deed(deed) => act(&mut house, deed),
        }
        house.check();
    }
    house.restart();
    house.check();
}

fn act(house: &mut House, deed: Deed<'_>) {
    let who = deed.which % 4;
    match deed.what {
        b'i' | b'S' => house.news(|host| HostNews::Started { host, pid: 7 }),
        b'X' => {
            let exit = exit(deed.which);
            let refused = (deed.number() == 7).then(|| Refused {
                message: "an unknown option".to_owned(),
                hint: "another version".to_owned(),
            });
            house.news(|host| HostNews::Exited {
                host,
                exit,
                stderr: "last words".to_owned(),
                refused,
            });
        }
        b'P' => house.pass(Duration::from_secs(u64::from(deed.number()))),
        b'R' => house.restart(),
        b'Z' => house.arrive(who, deed.number() > 0),
        b'L' => house.leave(who, deed.number() > 0),
        b'r' => house.rest(),
        b'w' => house.write_rules(),
        b'V' => house.ruling = ruling(deed.which),
        _ => {
            if let Some(action) = action(house, deed) {
                house.command(who, action);
            }
        }
    }
}

fn action(house: &House, deed: Deed<'_>) -> Option<Action> {
    let session = &house.session;
    let queued = || {
        let queued: Vec<_> = session.messages().queued().collect();
        deed.choose(&queued).map(|input| input.message_id)
    };
    Some(match deed.what {
        b'm' | b'M' | b'f' => Action::Message {
            text: deed.text(),
            attachments: Vec::new(),
            policy: policy(deed.what),
        },
        b'x' => Action::Cancel,
        b's' => Action::SetModel { model: deed.text() },
        b'o' => Action::SetPermissionMode { mode: deed.text() },
        b'n' => Action::Rename { title: deed.text() },
        b'F' => Action::Configure(Box::new(LaunchOptions {
            model: deed.text(),
            ..LaunchOptions::default()
        })),
        b'c' => Action::Clear,
        b'C' => Action::Compact { trim: false },
        b't' => Action::Compact { trim: true },
        b'k' => Action::Close,
        b'K' => Action::Reopen {
            environment: Environment::default(),
        },
        b'l' => Action::RequestLock,
        b'u' => Action::ReleaseLock,
        b'g' | b'G' => Action::AnswerLock {
            client: session.lock().asking().first()?.by.id,
            grant: deed.what == b'g',
        },
        b'e' => Action::EditQueued {
            message_id: queued()?,
            text: deed.text(),
        },
        b'E' => Action::RemoveQueued {
            message_id: queued()?,
        },
        b'z' => {
            let unknown: Vec<_> = session.messages().unknown().collect();
            Action::SendAgain {
                message_id: deed.choose(&unknown)?.message_id,
            }
        }
        b'a' | b'A' | b'd' | b'D' | b'q' => answer(house, deed)?,
        _ => return None,
    })
}

/// An answer to one of the requests that wait, or to one that has ended.
fn answer(house: &House, deed: Deed<'_>) -> Option<Action> {
    let waiting: Vec<(&RequestId, &Pending)> = house.session.requests().iter().collect();
    let Some((id, pending)) = deed.choose(&waiting) else {
        let id = house.checks.some_request()?;
        let interrupt = false;
        let message = deed.text();
        let answer = PermissionAnswer::Deny { message, interrupt };
        return Some(Action::AnswerPermission { id, answer });
    };
    let id = (*id).clone();
    let is_question = matches!(pending, Pending::Question(_));
    Some(match deed.what {
        b'q' => {
            let answer = QuestionAnswer::Answered(deed.answers());
            Action::AnswerQuestion { id, answer }
        }
        b'd' | b'D' if is_question => {
            let message = deed.text();
            let answer = QuestionAnswer::Declined { message };
            Action::AnswerQuestion { id, answer }
        }
        b'd' | b'D' => {
            let (message, interrupt) = (deed.text(), deed.what == b'D');
            let answer = PermissionAnswer::Deny { message, interrupt };
            Action::AnswerPermission { id, answer }
        }
        what => {
            let scope = match (what, deed.which % 3) {
                (b'A', 0) => PermissionScope::Session,
                (b'A', _) => PermissionScope::Always,
                _ => PermissionScope::Once,
            };
            let input = deed.json().filter(serde_json::Value::is_object);
            let answer = PermissionAnswer::Allow { scope, input };
            Action::AnswerPermission { id, answer }
        }
    })
}

fn policy(what: u8) -> TurnPolicy {
    TurnPolicy {
        unattended: what == b'M',
        wait_ms: (what == b'f').then_some(5_000),
        ..TurnPolicy::default()
    }
}

fn exit(which: usize) -> AgentExit {
    match which % 4 {
        0 => AgentExit::Code { code: 0 },
        1 => AgentExit::HostLost,
        2 => AgentExit::Signal { signal: 9 },
        _ => AgentExit::Code { code: 1 },
    }
}

/// What the rules say from now on.
fn ruling(which: usize) -> Ruling {
    let (verdict, named) = match which % 5 {
        0 => (Verdict::Ask, false),
        1 => (Verdict::Allow, true),
        2 => (Verdict::Deny, true),
        _ => (Verdict::Ask, true),
    };
    Ruling {
        verdict,
        by: named.then(|| RuleName {
            rule: "Bash(x *)".to_owned(),
            place: "settings:1".to_owned(),
        }),
        reason: "a rule".to_owned(),
        proposed: if which % 5 == 4 {
            Vec::new()
        } else {
            vec!["Bash(x *)".to_owned()]
        },
    }
}
