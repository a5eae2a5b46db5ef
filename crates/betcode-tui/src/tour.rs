//! A guided tour: steps that are explained above the input, one after the other. What a step does goes the way of everything
//! else: it is said to the agent, or done by whoever began the tour.
//!
//! States: *told* (the step is explained, and nothing was done of it), *running* (it was begun and has not ended), *over* (all
//! steps were told).
//! Laws: nothing is done before somebody goes on; a step ends when what it began has ended, whoever ended it; every step can be
//! skipped, and the tour can be left anywhere.

/// Something beside the conversation that a step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stunt {
    /// A second client asks for the input, says something, and gives it back.
    HandOver,
    /// The daemon is killed as soon as something streams.
    Crash,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it shows.
    pub text: String,
    /// What is said to the agent.
    pub say: Option<String>,
    /// What else is done.
    pub stunt: Option<Stunt>,
}

/// The tour.
#[derive(Debug)]
pub struct Tour {
    steps: Vec<Step>,
    at: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Told,
    Running {
        /// The agent has begun to work on what was said.
        begun: bool,
        /// The rest has not ended.
        stunt: bool,
    },
    Over,
}

impl Tour {
    /// A tour of these steps. The last one is only told.
    pub const fn new(steps: Vec<Step>) -> Self {
        Self {
            steps,
            at: 0,
            state: State::Told,
        }
    }

    /// What is told now, and its place among all.
    pub fn told(&self) -> Option<(usize, usize, &Step)> {
        let step = self.steps.get(self.at)?;
        Some((self.at + 1, self.steps.len(), step))
    }

    /// How to go on, if it waits for that.
    pub fn how(&self) -> Option<&'static str> {
        let is_last = self.at + 1 == self.steps.len();
        match self.state {
            State::Told if is_last => Some("enter leaves"),
            State::Told => Some("enter goes on, /skip skips this step, /quit leaves"),
            State::Running { .. } | State::Over => None,
        }
    }

    /// Whether it waits for somebody to go on.
    pub fn waits(&self) -> bool {
        self.state == State::Told
    }

    /// Whether all was told.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Somebody goes on: what is to be done now.
    pub fn go_on(&mut self) -> Option<Step> {
        if self.state != State::Told {
            return None;
        }
        let step = self.steps.get(self.at)?.clone();
        if step.say.is_none() && step.stunt.is_none() {
            self.next();
        } else {
            self.state = State::Running {
                begun: step.say.is_none(),
                stunt: step.stunt.is_some(),
            };
        }
        Some(step)
    }

    /// The next step, whatever has become of this one.
    pub fn next(&mut self) {
        if self.at + 1 < self.steps.len() {
            self.at += 1;
            self.state = State::Told;
        } else {
            self.state = State::Over;
        }
    }

    /// What was to be done beside the conversation has ended.
    pub fn stunt_ended(&mut self) {
        if let State::Running { stunt, .. } = &mut self.state {
            *stunt = false;
        }
    }

    /// What the session does now. True: the step has ended.
    pub fn watch(&mut self, works: bool, calm: bool) -> bool {
        let State::Running { begun, stunt } = &mut self.state else {
            return false;
        };
        *begun |= works;
        let ended = *begun && !*stunt && !works && calm;
        if ended {
            self.next();
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(say: Option<&str>, stunt: Option<Stunt>) -> Step {
        Step {
            text: "what".into(),
            say: say.map(str::to_owned),
            stunt,
        }
    }

    #[test]
    fn a_step_ends_when_everything_that_it_began_has_ended() {
        let mut tour = Tour::new(vec![
            step(Some("count"), Some(Stunt::Crash)),
            step(None, None),
        ]);
        assert!(!tour.watch(true, true), "nothing was begun");
        assert!(tour.go_on().is_some());
        assert_eq!(tour.go_on(), None, "once");
        assert!(!tour.watch(false, true), "the agent has not begun yet");
        assert!(!tour.watch(true, true));
        assert!(!tour.watch(false, true), "the daemon was not killed yet");
        tour.stunt_ended();
        assert!(!tour.watch(false, false), "the connection is not back");
        assert!(tour.watch(false, true));
        assert!(tour.waits() && tour.told().is_some_and(|(at, of, _)| (at, of) == (2, 2)));
        tour.go_on();
        assert!(tour.is_over());
    }

    #[test]
    fn a_step_can_be_skipped_at_any_time() {
        let mut tour = Tour::new(vec![step(Some("a"), None), step(Some("b"), None)]);
        tour.next();
        tour.go_on();
        tour.next();
        assert!(tour.is_over());
        assert_eq!(tour.go_on(), None);
    }
}
