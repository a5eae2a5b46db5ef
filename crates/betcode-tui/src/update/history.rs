//! Prompts of before: those of this session, and those of other sessions in its directory.
//!
//! Laws: this session's come first, going back; none is there twice.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::Model;

/// All that can be gone back to, the latest at the end.
pub(super) fn prompts(model: &Model) -> Vec<Arc<str>> {
    let mut seen: HashSet<&str> = model.history.iter().map(|prompt| &**prompt).collect();
    let past = model.past.iter().rev();
    let mut all: Vec<_> = past.filter(|prompt| seen.insert(prompt)).cloned().collect();
    all.reverse();
    all.extend(model.history.iter().cloned());
    all
}

/// What was sent before in a directory has come.
pub(super) fn come(model: &mut Model, of: &str, prompts: Result<Vec<String>, String>) {
    if of != model.session.cwd {
        return;
    }
    match prompts {
        Ok(prompts) => model.past = prompts.into_iter().map(Arc::from).collect(),
        Err(error) => model.say(format!("earlier prompts cannot be kept or read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::msg::Msg;
    use crate::scene::{Scene, screen};

    fn past(scene: &mut Scene, prompts: &[&str]) {
        let of = scene.model.session.cwd.clone();
        let prompts = prompts.iter().map(|prompt| (*prompt).to_owned()).collect();
        scene.on(Msg::Past {
            of,
            prompts: Ok(prompts),
        });
    }

    #[test]
    fn going_back_this_sessions_prompts_come_first_and_none_twice() {
        let mut scene = screen(80, 24);
        past(&mut scene, &["old", "both", "old", "older than both"]);
        scene.said("both").said("mine");
        let mut found = Vec::new();
        for _ in 0..5 {
            scene.keys("up");
            found.push(scene.model.composer.text().to_owned());
        }
        assert_eq!(found, ["mine", "both", "older than both", "old", "old"]);
        scene.keys("down");
        assert_eq!(scene.model.composer.text(), "older than both");
    }

    #[test]
    fn the_list_finds_prompts_of_other_sessions() {
        let mut scene = screen(80, 24);
        past(&mut scene, &["fix the login", "write the docs"]);
        scene.keys("ctrl-r").types("login").keys("enter");
        assert_eq!(scene.model.composer.text(), "fix the login");
    }

    #[test]
    fn what_comes_for_another_directory_is_not_taken() {
        let mut scene = screen(80, 24);
        scene.on(Msg::Past {
            of: "/elsewhere".into(),
            prompts: Ok(vec!["secret".into()]),
        });
        scene.keys("up");
        assert!(scene.model.composer.is_empty());
    }
}
