//! When a daemon that nobody started on purpose ends by itself.
//!
//! - one that was started automatically: when for its idle time no client was connected, no agent ran, and no request waited;
//! - an ephemeral one: when its last client leaves, and, so that it does not stay for ever when none ever comes, also after
//!   its idle time.
//!
//! There is one deadline, made when it becomes idle and forgotten when it is needed again; nothing ticks.

use std::time::Duration;

use tokio::sync::watch;

use super::clients::Count;
use crate::clock::Clock;

/// What ends it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// How long it stays when nobody needs it; for ever when there is no time.
    pub(crate) idle_exit: Option<Duration>,
    /// Whether it ends with its last client.
    pub(crate) ephemeral: bool,
}

/// Returns when the daemon is to end, with the reason.
pub(crate) async fn until_unneeded(
    rule: Rule,
    clock: &Clock,
    mut clients: watch::Receiver<Count>,
    mut needs: watch::Receiver<usize>,
) -> &'static str {
    loop {
        let count = *clients.borrow_and_update();
        let needed = *needs.borrow_and_update();
        if rule.ephemeral && count.connected == 0 && count.ever > 0 {
            return "its last client has left";
        }
        let idle = count.connected == 0 && needed == 0;
        let time_is_up = async {
            match rule.idle_exit {
                Some(after) if idle => clock.sleep_until(clock.now().plus(after)).await,
                Some(_) | None => std::future::pending().await,
            }
        };
        // In this order: who comes at the last moment is in time. A counter lives as long as the daemon.
        tokio::select! {
            biased;
            Ok(()) = clients.changed() => {}
            Ok(()) = needs.changed() => {}
            () = time_is_up => return "nobody has needed it for a while",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clients::Clients;
    use super::*;
    use futures_util::FutureExt as _;

    const QUARTER: Duration = Duration::from_mins(15);

    #[tokio::test]
    async fn it_ends_once_it_was_idle_long_enough_and_a_client_or_an_agent_starts_the_time_anew() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock");
        let clock = Clock::new(Some(&file));
        let clients = Clients::default();
        let agents = watch::Sender::new(1);
        let rule = Rule {
            idle_exit: Some(QUARTER),
            ephemeral: false,
        };
        let mut end = std::pin::pin!(until_unneeded(
            rule,
            &clock,
            clients.subscribe(),
            agents.subscribe()
        ));
        let minutes = |minutes: u64| std::fs::write(&file, (minutes * 60_000).to_string()).unwrap();

        minutes(10);
        assert_eq!(end.as_mut().now_or_never(), None, "an agent runs");
        minutes(100);
        assert_eq!(end.as_mut().now_or_never(), None, "an agent still runs");
        agents.send_replace(0);
        assert_eq!(end.as_mut().now_or_never(), None, "the time has just begun");
        minutes(1000);
        let guest = clients.enter();
        assert_eq!(
            end.as_mut().now_or_never(),
            None,
            "a client came at the last moment"
        );
        drop(guest);
        assert_eq!(end.as_mut().now_or_never(), None, "the time has begun anew");
        minutes(10_000);
        assert_eq!(end.await, "nobody has needed it for a while");
    }

    #[tokio::test]
    async fn without_a_time_it_stays() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock");
        let clock = Clock::new(Some(&file));
        let (clients, agents) = (Clients::default(), watch::Sender::new(0));
        let rule = Rule {
            idle_exit: None,
            ephemeral: false,
        };
        let mut end = std::pin::pin!(until_unneeded(
            rule,
            &clock,
            clients.subscribe(),
            agents.subscribe()
        ));
        assert_eq!(end.as_mut().now_or_never(), None);
        std::fs::write(&file, "86400000000").unwrap();
        drop(clients.enter());
        assert_eq!(end.as_mut().now_or_never(), None);
    }

    #[tokio::test]
    async fn an_ephemeral_one_ends_with_its_last_client_however_short_it_stayed() {
        let clock = Clock::new(None);
        let (clients, agents) = (Clients::default(), watch::Sender::new(3));
        let rule = Rule {
            idle_exit: Some(QUARTER),
            ephemeral: true,
        };
        let mut end = std::pin::pin!(until_unneeded(
            rule,
            &clock,
            clients.subscribe(),
            agents.subscribe()
        ));
        assert_eq!(end.as_mut().now_or_never(), None, "nobody has come yet");
        let (one, two) = (clients.enter(), clients.enter());
        drop(one);
        assert_eq!(end.as_mut().now_or_never(), None, "one is still there");
        drop(two);
        assert_eq!(end.await, "its last client has left");
    }
}
