//! `session stop-task`: has an agent end one thing that it does in the background. Whether it has ended is told by the session
//! itself, later.

use betcode_core::command::Action;
use betcode_core::event::{BackgroundTask, ClientKind};
use serde_json::json;

use super::resolve::find;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::tell;
use crate::link::{Policy, client, command, with_daemon};

/// Asks the agent to stop a task.
pub(super) fn stop(
    id: &str,
    task: Option<&str>,
    json: bool,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let (session, task) = with_daemon(context, Policy::Start, async |daemon| {
        let details = find(&daemon, id).await?;
        let session = details.summary.id;
        let tasks = details.info.map(|info| info.background_tasks);
        let task = choose(&tasks.unwrap_or_default(), task)?.clone();
        let action = Action::StopTask {
            id: task.id.clone(),
        };
        let me = client("betcode session", ClientKind::OneShot);
        let accepted = daemon.submit(command(session, me, action)).await?;
        tell(&accepted.notices);
        Ok((session, task))
    })?;
    let BackgroundTask {
        id, description, ..
    } = task;
    if json {
        let object = json!({"id": session, "task": id, "done": "being stopped"});
        context.output.json(&object)?;
    } else {
        let told = format!("{description} ({id}) is being stopped");
        context.output.line(&told)?;
    }
    Ok(Exit::Success)
}

/// The task that is meant: by its id or the beginning of it, or because there is no other.
fn choose<'a>(
    tasks: &'a [BackgroundTask],
    wanted: Option<&str>,
) -> Result<&'a BackgroundTask, Failure> {
    if tasks.is_empty() {
        let none = "nothing runs in the background of this session";
        return Err(Failure::general("NO_SUCH_TASK", none));
    }
    let listed = || {
        let rows = tasks.iter().map(|task| {
            let (id, description) = (&task.id, &task.description);
            format!("{id} ({description})")
        });
        format!("in the background: {}", rows.collect::<Vec<_>>().join(", "))
    };
    let meant = |task: &&BackgroundTask| wanted.is_none_or(|id| task.id.starts_with(id));
    let exact = |task: &&BackgroundTask| Some(task.id.as_str()) == wanted;
    let mut fitting = tasks.iter().filter(meant);
    match (tasks.iter().find(exact), fitting.next(), fitting.next()) {
        (Some(task), ..) | (None, Some(task), None) => Ok(task),
        (None, None, _) => {
            let wanted = wanted.unwrap_or_default();
            let message = format!("no task in the background has the id {wanted:?}");
            Err(Failure::general("NO_SUCH_TASK", message).hint(listed()))
        }
        (None, Some(_), Some(_)) => {
            Err(Failure::usage("it is not clear which task is meant").hint(listed()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str) -> BackgroundTask {
        BackgroundTask {
            id: id.to_owned(),
            kind: "local_bash".to_owned(),
            description: format!("task {id}"),
        }
    }

    #[test]
    fn a_task_is_meant_by_its_id_or_the_beginning_of_it_or_because_it_is_the_only_one() {
        let chosen = |ids: &[&str], wanted: Option<&str>| {
            let tasks: Vec<_> = ids.iter().map(|id| task(id)).collect();
            match choose(&tasks, wanted) {
                Ok(task) => task.id.clone(),
                Err(failure) => failure.report.unwrap().message,
            }
        };
        assert_eq!(chosen(&["b1"], None), "b1");
        assert_eq!(chosen(&["b1", "c2"], Some("c")), "c2");
        assert_eq!(chosen(&["b1", "b12"], Some("b1")), "b1");
        let unclear = "it is not clear which task is meant";
        assert_eq!(chosen(&["b1", "b2"], Some("b")), unclear);
        assert_eq!(chosen(&["b1", "b2"], None), unclear);
        assert_eq!(
            chosen(&["b1"], Some("x")),
            "no task in the background has the id \"x\""
        );
        assert_eq!(
            chosen(&[], Some("x")),
            "nothing runs in the background of this session"
        );
    }
}
