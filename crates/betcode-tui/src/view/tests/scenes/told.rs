//! What is told beside a session: the use of plans, and notifications.

use betcode_client::{NotificationList, Pause};
use betcode_core::time::Timestamp;
use usage_core::failure::Unreachable;
use usage_core::planner::State;
use usage_core::reading::ProviderId;

use super::conversation;
use crate::msg::Msg;
use crate::notices::News as Noticed;
use crate::notices::tests::listed;
use crate::scene::Scene;
use crate::usage::News;
use crate::usage::tests::{NOON, account, accounts, history};

/// A conversation at noon.
fn noon(width: u16, height: u16) -> Scene {
    let mut scene = conversation(width, height);
    scene.now = NOON;
    scene.status(betcode_core::event::Status::Idle);
    scene
}

pub(super) fn brief(width: u16, height: u16) -> Scene {
    let mut scene = noon(width, height);
    scene.on(Msg::Usage(News::All(accounts())));
    scene
}

pub(super) fn usage(width: u16, height: u16) -> Scene {
    let mut scene = brief(width, height);
    scene
        .keys("f6")
        .on(Msg::Usage(News::History(Ok(history()))));
    scene.wait(60_000);
    scene
}

pub(super) fn usage_end(width: u16, height: u16) -> Scene {
    let mut scene = usage(width, height);
    scene.text();
    for _ in 0..40 {
        scene.keys("j");
    }
    scene
}

pub(super) fn usage_older(width: u16, height: u16) -> Scene {
    let mut scene = noon(width, height);
    scene.on(Msg::Usage(News::Unsupported)).keys("f6");
    scene
}

pub(super) fn usage_offline(width: u16, height: u16) -> Scene {
    let mut scene = noon(width, height);
    let mut claude = accounts().swap_remove(0);
    claude.state = State::Offline {
        cause: Unreachable::Dns,
    };
    scene.now = Timestamp(NOON.0 + 600_000_000);
    scene.on(Msg::Usage(News::All(vec![claude])));
    scene
}

pub(super) fn usage_login(width: u16, height: u16) -> Scene {
    let mut scene = noon(width, height);
    let claude = account(ProviderId::Claude, State::LoginNeeded, Vec::new());
    scene.on(Msg::Usage(News::All(vec![claude])));
    scene
}

pub(super) fn notifications(width: u16, height: u16) -> Scene {
    let mut scene = noon(width, height);
    let mut held = listed(0, "Claude Usage Warning", "5h: 76% used", &[]);
    held.until = Some(Timestamp(NOON.0 + 1_800_000_000));
    let mut notifications = vec![
        listed(
            3,
            "Permission Required",
            "Fix the login: Bash cargo test --workspace",
            &["allow", "deny", "open"],
        ),
        listed(4, "Task Complete", "Deploy is done", &["open"]),
        held,
    ];
    for (listed, minutes) in notifications.iter_mut().zip([12, 3]) {
        listed.notification.at = Some(Timestamp(NOON.0 - minutes * 60_000_000));
    }
    let until = Some(Timestamp(NOON.0 + 900_000_000));
    let list = NotificationList {
        notifications,
        snooze: Some(Pause { until }),
    };
    scene.keys("f7").on(Msg::Notices(Noticed::Listed(Ok(list))));
    scene.wait(400);
    scene
}
