//! Tables for the edges, and a daemon in miniature against which the laws are tried.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn epoch(number: u128) -> LogEpoch {
    LogEpoch(Uuid::from_u128(number))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

fn batch(first: u64, last: u64) -> Input {
    Input::Batch {
        first: Sequence(first),
        last: Sequence(last),
    }
}

fn attached(number: u128, head: u64) -> Input {
    Input::Attached {
        epoch: epoch(number),
        head: Sequence(head),
    }
}

fn deliver(first: u64, last: u64) -> Effect {
    Effect::Deliver {
        first: Sequence(first),
        last: Sequence(last),
    }
}

fn attach(number: Option<u128>, after: u64) -> Effect {
    Effect::Attach {
        epoch: number.map(epoch),
        after: Sequence(after),
    }
}

const LOST: Input = Input::Disconnected { random: 0 };

fn effects(machine: &mut Resume) -> Vec<Effect> {
    std::iter::from_fn(|| machine.poll_effect()).collect()
}

/// Feeds one input at second 0 and returns what is to be done.
fn feed(machine: &mut Resume, input: Input) -> Vec<Effect> {
    machine.handle(at(0), input);
    effects(machine)
}

/// A machine that follows log 1 and has received 1..=last.
fn following(last: u64) -> Resume {
    let mut machine = Resume::new(Position {
        epoch: Some(epoch(1)),
        last: Sequence(last),
    });
    feed(&mut machine, attached(1, last));
    machine
}

#[test]
fn it_attaches_from_the_beginning_and_then_from_where_it_was() {
    let mut machine = Resume::new(Position::default());
    assert_eq!(effects(&mut machine), [attach(None, 0)]);
    assert_eq!(feed(&mut machine, attached(1, 7)), []);
    assert!(!machine.is_caught_up());
    assert_eq!(feed(&mut machine, batch(1, 7)), [deliver(1, 7)]);
    assert!(machine.is_caught_up());

    let until = at(0).plus(Duration::from_millis(80));
    assert_eq!(feed(&mut machine, LOST), [Effect::Wait { until }]);
    assert_eq!(machine.poll_timeout(), Some(until));
    machine.handle_timeout(Timestamp(until.0 - 1));
    assert_eq!(effects(&mut machine), []);
    machine.handle_timeout(until);
    assert_eq!(effects(&mut machine), [attach(Some(1), 7)]);
    assert_eq!(machine.poll_timeout(), None);
}

#[test]
fn what_is_here_already_is_not_delivered_again() {
    let mut machine = following(10);
    assert_eq!(feed(&mut machine, batch(3, 10)), []);
    assert_eq!(feed(&mut machine, batch(8, 12)), [deliver(11, 12)]);
    assert_eq!(feed(&mut machine, batch(13, 13)), [deliver(13, 13)]);
}

#[test]
fn a_peer_that_breaks_the_protocol_is_left_and_tried_again() {
    let gap = Violation::Gap {
        expected: Sequence(11),
        found: Sequence(13),
    };
    let bad = |first, last| Violation::BadBatch {
        first: Sequence(first),
        last: Sequence(last),
    };
    for (input, violation) in [
        (batch(13, 14), gap),
        (batch(12, 11), bad(12, 11)),
        (batch(0, 11), bad(0, 11)),
        (attached(1, 10), Violation::OutOfTurn),
    ] {
        let mut machine = following(10);
        assert_eq!(feed(&mut machine, input), [Effect::Close { violation }]);
        assert_eq!(machine.status(), Status::Closing);
        assert_eq!(
            feed(&mut machine, batch(11, 12)),
            [],
            "nothing counts any more"
        );
        assert!(matches!(
            feed(&mut machine, LOST).as_slice(),
            [Effect::Wait { .. }]
        ));
        machine.handle_timeout(at(1));
        assert_eq!(effects(&mut machine), [attach(Some(1), 10)]);
    }
    assert_eq!(gap.to_string(), "events 11 to 12 are missing");
}

#[test]
fn events_before_the_confirmation_are_out_of_turn() {
    let mut machine = Resume::new(Position::default());
    effects(&mut machine);
    let violation = Violation::OutOfTurn;
    assert_eq!(
        feed(&mut machine, batch(1, 1)),
        [Effect::Close { violation }]
    );
    assert_eq!(machine.position().last, Sequence(0));
}

#[test]
fn a_reset_discards_and_starts_anew_at_once_in_the_new_log() {
    let mut machine = following(10);
    let reset = Input::Reset { epoch: epoch(2) };
    assert_eq!(
        feed(&mut machine, reset),
        [Effect::Discard, attach(Some(2), 0)]
    );
    feed(&mut machine, attached(2, 1));
    assert_eq!(feed(&mut machine, batch(1, 1)), [deliver(1, 1)]);
}

#[test]
fn a_second_reset_in_a_row_waits_before_it_tries_again() {
    let mut machine = following(10);
    feed(&mut machine, Input::Reset { epoch: epoch(2) });
    let violation = Violation::RepeatedReset;
    assert_eq!(
        feed(&mut machine, Input::Reset { epoch: epoch(3) }),
        [Effect::Discard, Effect::Close { violation }]
    );
    feed(&mut machine, LOST);
    machine.handle_timeout(at(1));
    assert_eq!(effects(&mut machine), [attach(Some(3), 0)]);
}

#[test]
fn a_log_that_changed_without_a_word_is_not_mixed_with_what_is_here() {
    for confirmation in [attached(2, 50), attached(1, 9)] {
        let mut machine = Resume::new(Position {
            epoch: Some(epoch(1)),
            last: Sequence(10),
        });
        effects(&mut machine);
        let violation = Violation::SilentReset;
        assert_eq!(
            feed(&mut machine, confirmation),
            [Effect::Discard, Effect::Close { violation }]
        );
        assert_eq!(machine.position().last, Sequence(0));
    }
}

/// The delays, in milliseconds, of attempts that go as `attempt` says.
fn delays(machine: &mut Resume, mut now: Timestamp, attempt: &[Input], lasting: i64) -> Vec<u128> {
    (0..4)
        .map(|_| {
            for input in attempt {
                machine.handle(now, *input);
            }
            now = now.plus(Duration::from_secs(lasting.unsigned_abs()));
            machine.handle(now, LOST);
            let until = machine
                .poll_timeout()
                .expect("a lost attachment is waited for");
            let delay = until.since(now).as_millis();
            now = until;
            machine.handle_timeout(now);
            delay
        })
        .collect()
}

#[test]
fn delays_grow_until_an_attachment_delivers_or_lasts() {
    let new = || Resume::new(Position::default());
    let climbing = [80, 800, 4_000, 24_000];
    assert_eq!(delays(&mut new(), at(0), &[], 0), climbing);
    assert_eq!(
        delays(&mut new(), at(0), &[attached(1, 0)], 1),
        climbing,
        "accepted and lost"
    );
    assert_eq!(
        delays(&mut new(), at(0), &[attached(1, 0)], 5),
        [80, 80, 80, 80],
        "quiet, but stable"
    );

    let mut machine = new();
    delays(&mut machine, at(0), &[], 0);
    feed(&mut machine, attached(1, 1));
    feed(&mut machine, batch(1, 1));
    assert_eq!(delays(&mut machine, at(0), &[], 0), climbing);
}

#[test]
fn a_second_loss_while_waiting_changes_nothing() {
    let mut machine = following(1);
    feed(&mut machine, LOST);
    let until = machine.poll_timeout();
    assert_eq!(feed(&mut machine, Input::Disconnected { random: 9 }), []);
    assert_eq!(feed(&mut machine, attached(1, 9)), []);
    assert_eq!(feed(&mut machine, Input::Reset { epoch: epoch(9) }), []);
    assert_eq!(machine.poll_timeout(), until);
}

#[test]
fn a_clock_that_is_set_back_does_not_stretch_the_wait() {
    let mut machine = following(1);
    machine.handle(at(10_000), LOST);
    effects(&mut machine);
    machine.handle_timeout(at(0));
    assert_eq!(effects(&mut machine), [attach(Some(1), 1)]);
}

/// What may go on at the other end and on the way.
#[derive(Debug, Clone)]
enum Step {
    /// Events are appended to the daemon's log.
    Append(u64),
    /// The daemon sends up to so many events.
    Send(u64),
    /// It sends again what it sent, from so many before, and goes on by so many.
    Repeat { back: u64, on: u64 },
    /// It skips so many events.
    Skip(u64),
    /// The connection breaks.
    Break(u32),
    /// The database is replaced by an older copy, or an empty one, under a new epoch; clients learn it when they attach.
    Replace { keep: u64 },
    /// So much time passes, in milliseconds.
    Pass(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1u64..40).prop_map(Step::Append),
        (1u64..40).prop_map(Step::Send),
        (0u64..20, 0u64..20).prop_map(|(back, on)| Step::Repeat { back, on }),
        (1u64..5).prop_map(Step::Skip),
        any::<u32>().prop_map(Step::Break),
        (0u64..60).prop_map(|keep| Step::Replace { keep }),
        (0u32..40_000).prop_map(Step::Pass),
    ]
}

/// An event, so that numbers of two logs cannot be taken for each other.
type Entry = (LogEpoch, u64);

/// A daemon with one log, a connection that loses and repeats, and a client around the machine.
struct World {
    now: Timestamp,
    epoch: LogEpoch,
    log: Vec<Entry>,
    /// How far this connection has sent; none when there is no attachment.
    sent: Option<u64>,
    machine: Resume,
    received: Vec<Entry>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            now: at(0),
            epoch: epoch(1),
            log: Vec::new(),
            sent: None,
            machine: Resume::new(Position::default()),
            received: Vec::new(),
        };
        world.settle();
        world
    }

    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    fn entry(&self, number: u64) -> Entry {
        self.log[usize::try_from(number).unwrap() - 1]
    }

    fn input(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(effect) = self.machine.poll_effect() {
            match effect {
                Effect::Attach { epoch, after } => self.serve(epoch, after.0),
                Effect::Deliver { first, last } => {
                    let new: Vec<_> = (first.0..=last.0).map(|n| self.entry(n)).collect();
                    self.received.extend(new);
                }
                Effect::Discard => self.received.clear(),
                Effect::Close { .. } => {
                    self.sent = None;
                    self.machine
                        .handle(self.now, Input::Disconnected { random: 7 });
                }
                Effect::Wait { until } => assert_eq!(self.machine.poll_timeout(), Some(until)),
            }
        }
    }

    fn serve(&mut self, asked: Option<LogEpoch>, after: u64) {
        let answer = if asked.is_some_and(|asked| asked != self.epoch) || after > self.head() {
            Input::Reset { epoch: self.epoch }
        } else {
            self.sent = Some(after);
            Input::Attached {
                epoch: self.epoch,
                head: Sequence(self.head()),
            }
        };
        self.machine.handle(self.now, answer);
    }

    fn send(&mut self, first: u64, last: u64) {
        let last = last.min(self.head());
        if self.sent.is_some() && first <= last {
            self.sent = Some(last);
            self.input(batch(first, last));
        }
    }

    fn step(&mut self, step: &Step) {
        let sent = self.sent.unwrap_or(0);
        match *step {
            Step::Append(count) => {
                let next = self.head() + 1;
                self.log
                    .extend((next..next + count).map(|n| (self.epoch, n)));
            }
            Step::Send(count) => self.send(sent + 1, sent + count),
            Step::Repeat { back, on } => {
                self.send(sent.saturating_sub(back).max(1), (sent + on).max(1));
            }
            Step::Skip(count) => self.send(sent + 1 + count, sent + 2 + count),
            Step::Break(random) => {
                self.sent = None;
                self.input(Input::Disconnected { random });
            }
            Step::Replace { keep } => {
                self.epoch = epoch(self.epoch.0.as_u128() + 1);
                let keep = keep.min(self.head());
                self.log = (1..=keep).map(|n| (self.epoch, n)).collect();
                self.sent = None;
                self.input(Input::Disconnected { random: 1 });
            }
            Step::Pass(millis) => {
                self.now = self.now.plus(Duration::from_millis(millis.into()));
                self.machine.handle_timeout(self.now);
                self.settle();
            }
        }
    }
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        (0u128..3, 0u64..12).prop_map(|(number, head)| attached(number, head)),
        (0u128..3).prop_map(|number| Input::Reset {
            epoch: epoch(number)
        }),
        (0u64..12, 0u64..12).prop_map(|(first, last)| batch(first, last)),
        any::<u32>().prop_map(|random| Input::Disconnected { random }),
    ]
}

proptest! {
    #[test]
    fn under_any_mix_of_trouble_the_received_numbers_are_the_logs_own_without_gap_or_double(steps in prop::collection::vec(step(), 0..80)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            let expected: Vec<Entry> = (1..=world.machine.position().last.0)
                .map(|number| (world.machine.position().epoch.unwrap_or(epoch(1)), number))
                .collect();
            prop_assert_eq!(&world.received, &expected);
        }
        // When the trouble is over, everything arrives.
        world.step(&Step::Pass(31_000));
        world.step(&Step::Pass(31_000));
        world.step(&Step::Send(u64::from(u32::MAX)));
        prop_assert_eq!(&world.received, &world.log);
    }

    #[test]
    fn whatever_a_peer_says_deliveries_tile_and_a_wait_is_bounded(inputs in prop::collection::vec((0i64..40, any_input()), 0..60), start in 0u64..5) {
        let mut machine = Resume::new(Position { epoch: None, last: Sequence(start) });
        let (mut now, mut last) = (0, start);
        for (seconds, input) in inputs {
            now += seconds;
            machine.handle_timeout(at(now));
            machine.handle(at(now), input);
            for effect in effects(&mut machine) {
                match effect {
                    Effect::Deliver { first, last: end } => {
                        prop_assert_eq!(first.0, last + 1);
                        prop_assert!(end >= first);
                        last = end.0;
                    }
                    Effect::Discard => last = 0,
                    Effect::Attach { after, .. } => prop_assert_eq!(after.0, last),
                    Effect::Wait { until } => prop_assert!(until.since(at(now)) <= Duration::from_secs(30)),
                    Effect::Close { .. } => {}
                }
            }
            prop_assert_eq!(machine.position().last.0, last);
            let waiting = matches!(machine.status(), Status::Waiting { .. });
            prop_assert_eq!(machine.poll_timeout().is_some(), waiting);
        }
    }
}
